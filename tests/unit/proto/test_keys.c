#include "proto/io/keys.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], keys[80];

static int setup(void **state UNUSED)
{
	snprintf(folder, sizeof(folder), "/tmp/pullwire-keys-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(keys, sizeof(keys), "%s/keys", folder);
	return 0;
}

static int teardown(void **state UNUSED)
{
	DIR *d = opendir(keys);
	struct dirent *entry;
	char path[400];

	while (d && (entry = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", keys, entry->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(keys);
	return rmdir(folder);
}

static void path_of(char path[200], const char *name)
{
	snprintf(path, 200, "%s/%s", keys, name);
}

static void put_file(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	path_of(path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static size_t count_files(void)
{
	DIR *d = opendir(keys);
	struct dirent *entry;
	size_t n = 0;

	while (d && (entry = readdir(d)))
		n += entry->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static int mode_of(const char *name)
{
	char path[200];
	struct stat st;

	path_of(path, name);
	assert_int_equal(stat(path, &st), 0);
	return (int)(st.st_mode & 0777);
}

static void test_four_pairs(void **state UNUSED)
{
	char secret[KEYS_TEXT], public[KEYS_TEXT], file[KEYS_TEXT];
	char first[KEYS_TEXT] = "";
	struct err err = {0};

	assert_int_equal(keys_generate(keys, &err), 0);
	assert_int_equal(count_files(), 8);
	for (size_t i = 0; keys_roles[i]; i++) {
		assert_int_equal(keys_secret(keys, keys_roles[i], secret,
					 public, &err), 0);
		assert_int_equal(
			keys_public(keys, keys_roles[i], file, &err), 0);
		assert_string_equal(public, file);
		assert_string_not_equal(public, secret);
		assert_string_not_equal(public, first);
		memcpy(first, public, KEYS_TEXT);
	}
	assert_int_equal(mode_of("ingress.key"), 0600);
	assert_int_equal(mode_of("logger.key"), 0600);
}

static void test_nothing_is_overwritten(void **state UNUSED)
{
	char before[KEYS_TEXT], after[KEYS_TEXT], secret[KEYS_TEXT];
	char path[200];

	assert_int_equal(keys_generate(keys, NULL), 0);
	keys_secret(keys, "matcher", secret, before, NULL);
	path_of(path, "matcher.pub");
	unlink(path);
	path_of(path, "deployer.pub");
	unlink(path);
	path_of(path, "deployer.key");
	unlink(path);
	/* A public key that is lost is worked out, a lost pair is made. */
	assert_int_equal(keys_generate(keys, NULL), 0);
	keys_secret(keys, "matcher", secret, after, NULL);
	assert_string_equal(before, after);
	assert_int_equal(keys_public(keys, "matcher", after, NULL), 0);
	assert_string_equal(before, after);
	assert_int_equal(keys_public(keys, "deployer", after, NULL), 0);
	assert_int_equal(count_files(), 8);
}

static void test_public_without_secret(void **state UNUSED)
{
	char path[200];
	struct err err = {0};

	assert_int_equal(keys_generate(keys, NULL), 0);
	path_of(path, "ingress.key");
	unlink(path);
	assert_int_equal(keys_generate(keys, &err), -1);
	assert_non_null(strstr(err.text, "/ingress.pub is there without "));
	assert_int_equal(count_files(), 7);
}

static void test_pair_that_does_not_fit(void **state UNUSED)
{
	char other[KEYS_TEXT];
	struct err err = {0};

	assert_int_equal(keys_generate(keys, NULL), 0);
	keys_public(keys, "logger", other, NULL);
	put_file("ingress.pub", other);
	assert_int_equal(keys_generate(keys, &err), -1);
	assert_non_null(strstr(err.text, "/ingress.pub does not belong to "));
}

static void test_faulty_files(void **state UNUSED)
{
	static const char *const faulty[] = {"", "\n", "too short\n",
		/* 39, 41, two lines, a byte that is none of Z85 */
		"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\n",
		"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf77\n",
		"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\nmore\n",
		"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]y\"7\n",
		"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]y 7\n"};
	static const char *const good[] = {
		"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n",
		"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"};
	char key[KEYS_TEXT];
	struct err err = {0};

	mkdir(keys, 0700);
	assert_int_equal(keys_public(keys, "ingress", key, &err), -1);
	assert_memory_equal(err.text, "cannot read the key /tmp/", 25);
	assert_non_null(strstr(err.text,
		"/keys/ingress.pub: No such file or directory"));
	for (size_t i = 0; i < ARRAY_LEN(faulty); i++) {
		put_file("ingress.pub", faulty[i]);
		if (keys_public(keys, "ingress", key, &err) != -1)
			fail_msg("case %zu was taken for a key", i);
		assert_non_null(strstr(err.text,
			"/ingress.pub is not a key: one line of 40 char"));
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		put_file("ingress.pub", good[i]);
		assert_int_equal(keys_public(keys, "ingress", key, &err), 0);
		assert_memory_equal(key, good[i], 40);
	}
}

/* The pair of ZeroMQ's own manual (zmq_curve). */
static void test_known_pair(void **state UNUSED)
{
	char secret[KEYS_TEXT], public[KEYS_TEXT];

	mkdir(keys, 0700);
	put_file("ingress.key", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6");
	assert_int_equal(
		keys_secret(keys, "ingress", secret, public, NULL), 0);
	assert_string_equal(public, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
}

static void test_folder_cannot_be_made(void **state UNUSED)
{
	struct err err = {0};

	assert_int_equal(keys_generate("/proc/none/keys", &err), -1);
	assert_memory_equal(err.text,
		"cannot make the folder /proc/none/keys: ", 40);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_four_pairs),
		TEST(test_nothing_is_overwritten),
		TEST(test_public_without_secret),
		TEST(test_pair_that_does_not_fit),
		TEST(test_faulty_files),
		TEST(test_known_pair),
		TEST(test_folder_cannot_be_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
