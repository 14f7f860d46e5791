/*
 * The sender's TLS certificate, which the handshake has proved to be its own.
 * What is compared is no secret; the same number of comparisons is made for
 * every source all the same.
 */
#include "ingress/auth_method.h"

static bool is_one_of(const struct opt_strs *wanted, const char *have)
{
	size_t n = wanted ? wanted->n : 0;
	bool found = false;

	for (size_t i = 0; i < n || i < AUTH_SLOTS; i++)
		found |= !strcmp(i < n ? wanted->v[i] : "", have) && i < n;
	return found;
}

static bool client_cert_holds(const struct auth_ask *ask, bool *sent)
{
	const struct opt_strs *wanted =
		ask->of ? &ask->of->client_cert : NULL;
	const char *have;
	bool found = false;

	for (size_t i = 0; (have = request_identity(ask->req, i)); i++) {
		*sent = true;
		found |= is_one_of(wanted, have);
	}
	return found;
}

static bool client_cert_used(const struct conf_auth *of)
{
	return of->client_cert.n > 0;
}

const struct auth_method auth_client_cert = {
	"the sender showed no certificate, or one that is not valid now",
	"the sender's certificate is none of the source's",
	client_cert_used, client_cert_holds,
};
