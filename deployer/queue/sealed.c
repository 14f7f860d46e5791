#include "deployer/queue/sealed.h"

#include "proto/base/enc.h"
#include "proto/base/fail.h"

#define MARK "#1"
#define MARK_LEN 2
#define SUM_LEN 8
#define SEAL_LEN (MARK_LEN + SUM_LEN)

void sealed_close(struct strbuf *packed)
{
	unsigned char sum[ENC_SHA256_LEN];

	enc_sha256(packed->buf, packed->len, sum);
	strbuf_add_cstr(packed, MARK);
	strbuf_add_str(packed, (struct str){(const char *)sum, SUM_LEN});
}

int sealed_open(const struct field_table *table, struct str bytes, void *out,
	struct err *err)
{
	unsigned char sum[ENC_SHA256_LEN];
	size_t n = bytes.n > SEAL_LEN ? bytes.n - SEAL_LEN : 0;

	if (n == 0 || memcmp(bytes.p + n, MARK, MARK_LEN) != 0)
		return field_unpack(table, bytes, out, err);
	enc_sha256(bytes.p, n, sum);
	/* queue.sum is the mutation that the tests must catch. */
	if (memcmp(bytes.p + n + MARK_LEN, sum, SUM_LEN) != 0 &&
		!FAIL_POINT("queue.sum"))
		return err_fail(err, "the queue's copy is damaged: its "
				     "checksum differs");
	return field_unpack(table, str_cut(bytes, 0, n), out, err);
}
