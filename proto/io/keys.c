#include "proto/io/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/base/enc.h"
#include "proto/base/log.h"
#include "proto/base/str.h"

#define PATH_LEN 512

const char *const keys_roles[] = {
	"ingress", "matcher", "deployer", "logger", NULL};

static int path_of(char path[PATH_LEN], const char *folder, const char *role,
	const char *suffix, struct err *err)
{
	int n = snprintf(path, PATH_LEN, "%s/%s.%s", folder, role, suffix);

	if (n < 0 || n >= PATH_LEN)
		return err_fail(err, "the path of the keys' folder is too long");
	return 0;
}

/* ---- reading ----------------------------------------------------------- */

/* Exactly one line of 40 characters of Z85. */
static bool parse_key(char buf[KEYS_TEXT + 8], ssize_t n)
{
	unsigned char raw[32];
	bool ok;

	if (n > 0 && buf[n - 1] == '\n')
		buf[--n] = '\0';
	ok = n == KEYS_TEXT - 1 && strlen(buf) == KEYS_TEXT - 1 &&
		zmq_z85_decode(raw, buf) != NULL;
	enc_wipe(raw, sizeof(raw));
	return ok;
}

/* err->code is the errno when the file cannot be read. */
static int read_key(const char *path, char key[KEYS_TEXT], struct err *err)
{
	char buf[KEYS_TEXT + 8] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	ssize_t n;

	if (fd < 0)
		return err_set(err, ERR_FAIL, errno, "cannot read the key %s: %s",
			path, strerror(errno));
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (parse_key(buf, n))
		memcpy(key, buf, KEYS_TEXT);
	else
		rc = err_fail(err, "%s is not a key: one line of 40 "
				   "characters of Z85 is expected", path);
	enc_wipe(buf, sizeof(buf));
	return rc;
}

int keys_public(const char *folder, const char *role, char key[KEYS_TEXT],
	struct err *err)
{
	char path[PATH_LEN];

	if (path_of(path, folder, role, "pub", err) != 0)
		return -1;
	return read_key(path, key, err);
}

/* Mounted secrets often have a mode that is not ours to choose. */
static void warn_of_mode(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_IROTH))
		log_limited(LOG_WARN, "keys",
			"%s can be read by everybody: chmod 600 it", path);
}

int keys_secret(const char *folder, const char *role, char secret[KEYS_TEXT],
	char public[KEYS_TEXT], struct err *err)
{
	char path[PATH_LEN];

	if (path_of(path, folder, role, "key", err) != 0 ||
		read_key(path, secret, err) != 0)
		return -1;
	warn_of_mode(path);
	if (zmq_curve_public(public, secret) != 0)
		return err_fail(err, "%s is not a key", path);
	return 0;
}

/* ---- making ------------------------------------------------------------ */

static int write_all(int fd, const char *key)
{
	char line[KEYS_TEXT + 1];
	int rc;

	snprintf(line, sizeof(line), "%s\n", key);
	rc = write(fd, line, KEYS_TEXT) == KEYS_TEXT && fsync(fd) == 0 ? 0 : -1;
	enc_wipe(line, sizeof(line));
	return rc;
}

/* Under a name of its own first, then linked: never half a key, and never over
 * one that is there. */
static int write_key(const char *path, const char *key, mode_t mode,
	struct err *err)
{
	char part[PATH_LEN + 8];
	int fd, rc = -1;

	snprintf(part, sizeof(part), "%s.part", path);
	unlink(part);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd >= 0) {
		rc = write_all(fd, key);
		close(fd);
	}
	if (rc == 0)
		rc = link(part, path);
	if (rc != 0)
		err_fail(err, "cannot write the key %s: %s", path,
			strerror(errno));
	unlink(part);
	return rc;
}

static int make_pair(char secret[KEYS_TEXT], char public[KEYS_TEXT],
	const char *key_path, struct err *err)
{
	if (zmq_curve_keypair(public, secret) != 0)
		return err_fail(err, "this ZeroMQ was built without CURVE");
	return write_key(key_path, secret, 0600, err);
}

static int generate(const char *folder, const char *role,
	char secret[KEYS_TEXT], struct err *err)
{
	char key_path[PATH_LEN], pub_path[PATH_LEN];
	char public[KEYS_TEXT], there[KEYS_TEXT];
	bool has_key, has_pub;

	if (path_of(key_path, folder, role, "key", err) != 0 ||
		path_of(pub_path, folder, role, "pub", err) != 0)
		return -1;
	has_key = access(key_path, F_OK) == 0;
	has_pub = access(pub_path, F_OK) == 0;
	if (has_pub && !has_key)
		return err_fail(err,
			"%s is there without %s: the secret is elsewhere, and "
			"a new one would not fit", pub_path, key_path);
	if (!has_key && make_pair(secret, public, key_path, err) != 0)
		return -1;
	if (has_key && keys_secret(folder, role, secret, public, err) != 0)
		return -1;
	if (!has_pub)
		return write_key(pub_path, public, 0644, err);
	if (keys_public(folder, role, there, err) != 0)
		return -1;
	return strcmp(there, public) == 0 ? 0 :
		err_fail(err, "%s does not belong to %s", pub_path, key_path);
}

int keys_generate(const char *folder, struct err *err)
{
	char secret[KEYS_TEXT] = "";
	int rc = 0;

	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return err_fail(err, "cannot make the folder %s: %s", folder,
			strerror(errno));
	for (size_t i = 0; keys_roles[i] && rc == 0; i++)
		rc = generate(folder, keys_roles[i], secret, err);
	enc_wipe(secret, sizeof(secret));
	return rc;
}
