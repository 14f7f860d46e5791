#include "deployer/docker/docker_progress.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *what, *stream;
	size_t objects;
	const char *digest, *error;
} streams[] = {
	{"good",
		"{\"status\":\"Pulling from a\",\"id\":\"v1\"}\r\n"
		"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1}}"
		"\r\n{\"status\":\"Digest: sha256:" HEX "\"}\r\n"
		"{\"status\":\"Status: Downloaded newer image for a:v1\"}\r\n",
		4, "sha256:" HEX, ""},
	{"an error inside", "{\"status\":\"x\"}\n{\"errorDetail\":{\"message\":"
		"\"unknown blob\"},\"error\":\"something else\"}\n",
		2, "", "unknown blob"},
	{"the old member alone", "{\"error\":\"no space left\"}\n", 1, "",
		"no space left"},
	{"the first error counts",
		"{\"error\":\"one\"}\n{\"error\":\"two\"}\n", 2, "", "one"},
	{"bytes of an error are shown safely", "{\"error\":\"a\\u001bb\"}\n", 1,
		"", "a\\x1bb"},
	{"not JSON", "oops\n", 1, "", "the engine's progress report is not "
		"JSON"},
	{"cut short: the last object does not count", "{\"status\":\"x\"}\n{",
		1, "", ""},
	{"a digest of another length is none",
		"{\"status\":\"Digest: sha512:" HEX HEX "\"}\n", 1, "", ""},
	{"empty lines", "\r\n\n", 0, "", ""},
};

static void check_progress(const struct docker_progress *p, size_t i)
{
	if (p->objects != streams[i].objects ||
		strcmp(p->digest, streams[i].digest) != 0 ||
		strcmp(p->error, streams[i].error) != 0)
		fail_msg("%s: %zu objects, digest %s, error %s",
			streams[i].what, p->objects, p->digest, p->error);
}

static void test_progress(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
		struct str s = str_from(streams[i].stream);
		struct docker_progress whole = {0}, bytes = {0};

		assert_int_equal(docker_progress_feed(&whole, s), 0);
		check_progress(&whole, i);
		for (size_t k = 0; k < s.n; k++)
			assert_int_equal(docker_progress_feed(&bytes,
				str_cut(s, k, k + 1)), 0);
		check_progress(&bytes, i);
		docker_progress_release(&whole);
		docker_progress_release(&bytes);
	}
}

static void test_endless_line(void **state)
{
	struct docker_progress p = {0};
	static char part[1 << 20];
	int rc = 0;

	(void)state;
	memset(part, 'x', sizeof(part));
	for (int i = 0; i < 8 && rc == 0; i++)
		rc = docker_progress_feed(&p,
			(struct str){part, sizeof(part)});
	assert_int_equal(rc, -1);
	docker_progress_release(&p);
}

#define LAYER(id, status, detail) \
	"{\"status\":\"" status "\",\"progressDetail\":{" detail "},\"id\":\"" id \
	"\"}\n"
#define BYTES(current, total) "\"current\":" #current ",\"total\":" #total

static const struct {
	const char *stream, *text;
} texts[] = {
	{"", ""},
	{"{\"status\":\"Pulling from shop/web\",\"id\":\"v1\"}\n", ""},
	{LAYER("a", "Pulling fs layer", "") LAYER("b", "Waiting", ""),
		"0 of 2 layers"},
	{LAYER("a", "Already exists", ""), ""},
	{LAYER("a", "Already exists", "") LAYER("b", "Pulling fs layer", "")
		LAYER("b", "Downloading", BYTES(1048576, 4194304)),
		"0 of 1 layers, 1.0 of 4.0 MiB"},
	{LAYER("a", "Downloading", BYTES(10, 1048576))
		LAYER("a", "Download complete", "")
		LAYER("a", "Extracting", BYTES(5, 7)),
		"0 of 1 layers, 1.0 of 1.0 MiB"},
	{LAYER("a", "Downloading", BYTES(10, 1048576))
		LAYER("a", "Pull complete", "")
		LAYER("b", "Pull complete", ""),
		"2 of 2 layers, 1.0 of 1.0 MiB"},
	{LAYER("an id as no engine has it", "Downloading", BYTES(1, 2)), ""},
};

static void test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct docker_progress p = {0};
		char text[80];

		docker_progress_feed(&p, str_from(texts[i].stream));
		docker_progress_text(&p, text, sizeof(text));
		assert_string_equal(text, texts[i].text);
		docker_progress_release(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
