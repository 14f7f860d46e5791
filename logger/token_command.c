#include "logger/token_command.h"

#include "proto/base/enc.h"

#define BYTES 32
#define PREFIX "pw_" /* so that a scanner for leaked secrets knows it */

static bool is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n > 0 && n <= 64 && s[n] == '\0' && !strchr("._-", s[0]);
}

int token_command(const struct conf *conf, int argc, char **argv)
{
	const char *role = argc == 3 ? argv[2] : conf_roles[ROLE_VIEWER];
	char hash[ENC_SHA256_HEX];
	unsigned char random[BYTES];
	struct strbuf token = {0};

	(void)conf;
	if (argc < 2 || argc > 3 || !is_name(argv[1]) ||
		(strcmp(role, conf_roles[ROLE_VIEWER]) != 0 &&
			strcmp(role, conf_roles[ROLE_OPERATOR]) != 0)) {
		fprintf(stderr, "usage: pullwire-logger %s\nNAME is up to 64 "
			"letters, digits, dots, dashes and underscores\n",
			TOKEN_COMMAND_USAGE);
		return 2;
	}
	enc_random(random, sizeof(random));
	strbuf_add_cstr(&token, PREFIX);
	enc_base64url(random, sizeof(random), &token);
	while (token.buf[token.len - 1] == '=')
		strbuf_truncate(&token, token.len - 1);
	enc_sha256_hex(token.buf, token.len, hash);
	printf("The token, shown this once:\n\n    %s\n\n"
	       "In the configuration, under `logger:` (and restart the "
	       "logger):\n\n  tokens:\n    - {name: %s, role: %s, "
	       "sha256: %s}\n", strbuf_cstr(&token), argv[1], role, hash);
	enc_wipe(token.buf, token.len);
	enc_wipe(random, sizeof(random));
	strbuf_release(&token);
	return 0;
}
