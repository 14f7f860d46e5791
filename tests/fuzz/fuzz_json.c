/*
 * The strict scan and the tree: both take the same texts, and what is taken
 * comes out again as the same value.
 */
#include "proto/data/json.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct strbuf out = {0};
	struct err err = {0};
	struct json *tree = json_parse(text, NULL, &err), *again;
	bool scanned = json_scan(text, NULL, NULL) == 0;

	FUZZ_CHECK(scanned == (tree != NULL));
	if (!tree) {
		FUZZ_CHECK(*err.text);
		return 0;
	}
	json_write(tree, &out);
	again = json_parse(strbuf_str(&out), NULL, &err);
	FUZZ_CHECK(again && json_equal(tree, again));
	json_free(again);
	json_free(tree);
	strbuf_release(&out);
	return 0;
}
