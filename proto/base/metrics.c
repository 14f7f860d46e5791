#include "proto/base/metrics.h"

#include <pthread.h>

#include "proto/base/vec.h"

struct series {
	char *value[METRICS_LABELS]; /* of the labels; NULL: none */
	int64_t n;        /* the value; of a histogram, how many */
	int64_t sum;      /* of a histogram, us */
	int64_t *buckets; /* of a histogram: how many fell in each */
};

/* Process-wide, as the log is: who counts is told nothing about it. */
static struct {
	pthread_mutex_t lock;
	VEC(struct series) of[METRICS];
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- counting ------------------------------------------------------------ */

static size_t bucket_count(const struct metric_family *f)
{
	size_t n = 0;

	while (f->buckets != NULL && f->buckets[n] != 0)
		n++;
	return n;
}

static char *copy_value(const char *label, const char *value)
{
	size_t n;

	if (label == NULL)
		return NULL;
	n = value != NULL ? strlen(value) : 0;
	return xmemdup0(value, n < METRICS_VALUE_MAX ? n : METRICS_VALUE_MAX);
}

static bool same_value(const char *have, const char *value)
{
	if (have == NULL)
		return true; /* there is no such label */
	return strncmp(have, value != NULL ? value : "", METRICS_VALUE_MAX) ==
		0;
}

/* With the lock. */
static struct series *find(enum metric m, const char *a, const char *b)
{
	const struct metric_family *f = &metric_families[m];
	struct series new = {0};

	for (size_t i = 0; i < state.of[m].n; i++) {
		struct series *s = &state.of[m].v[i];

		if (same_value(s->value[0], a) && same_value(s->value[1], b))
			return s;
	}
	if (state.of[m].n >= METRICS_SERIES_MAX &&
		(a == NULL || strcmp(a, "other") != 0))
		return find(m, "other", "other");
	new.value[0] = copy_value(f->label[0], a);
	new.value[1] = copy_value(f->label[1], b);
	if (f->kind == METRIC_HISTOGRAM)
		new.buckets = xcalloc(bucket_count(f), sizeof(int64_t));
	VEC_PUSH(&state.of[m], new);
	return &state.of[m].v[state.of[m].n - 1];
}

void metric_add(enum metric m, const char *a, const char *b, int64_t by)
{
	pthread_mutex_lock(&state.lock);
	find(m, a, b)->n += by;
	pthread_mutex_unlock(&state.lock);
}

void metric_set(enum metric m, const char *a, const char *b, int64_t value)
{
	pthread_mutex_lock(&state.lock);
	find(m, a, b)->n = value;
	pthread_mutex_unlock(&state.lock);
}

void metric_time(enum metric m, const char *a, int64_t us)
{
	const struct metric_family *f = &metric_families[m];
	size_t n = bucket_count(f), i = 0;
	struct series *s;

	while (i < n && us > f->buckets[i])
		i++;
	pthread_mutex_lock(&state.lock);
	s = find(m, a, NULL);
	if (i < n)
		s->buckets[i]++;
	s->sum += us;
	s->n++;
	pthread_mutex_unlock(&state.lock);
}

int64_t metric_get(enum metric m, const char *a, const char *b)
{
	int64_t n;

	pthread_mutex_lock(&state.lock);
	n = find(m, a, b)->n;
	pthread_mutex_unlock(&state.lock);
	return n;
}

void metrics_reset(void)
{
	pthread_mutex_lock(&state.lock);
	for (size_t m = 0; m < METRICS; m++) {
		for (size_t i = 0; i < state.of[m].n; i++) {
			for (size_t k = 0; k < METRICS_LABELS; k++)
				free(state.of[m].v[i].value[k]);
			free(state.of[m].v[i].buckets);
		}
		VEC_RELEASE(&state.of[m]);
	}
	pthread_mutex_unlock(&state.lock);
}

/* ---- telling ---------------------------------------------------------------- */

void metrics_escape(const char *value, struct strbuf *out)
{
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			strbuf_add_cstr(out, "\\n");
		else if (*value == '\\' || *value == '"')
			strbuf_addf(out, "\\%c", *value);
		else
			strbuf_add_char(out, *value);
	}
}

/* us as seconds, without needless digits: 0.0025, 3, 12.5. */
static void add_seconds(int64_t us, struct strbuf *out)
{
	char text[40];
	int n = snprintf(text, sizeof(text), "%s%lld.%06lld",
		us < 0 ? "-" : "", (long long)(us < 0 ? -(us / 1000000)
						     : us / 1000000),
		(long long)(us < 0 ? -(us % 1000000) : us % 1000000));

	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	strbuf_add(out, text, (size_t)n);
}

static bool is_seconds(const struct metric_family *f)
{
	return str_ends(str_from(f->name), STR("_seconds")) ||
		str_ends(str_from(f->name), STR("_seconds_total"));
}

static void add_number(const struct metric_family *f, int64_t n,
	struct strbuf *out)
{
	if (is_seconds(f))
		add_seconds(n, out);
	else
		strbuf_addf(out, "%lld", (long long)n);
}

/* NAME SUFFIX {A="...",B="...",le="..."} as a JSON string; le is us. */
static void add_name(const struct metric_family *f, const struct series *s,
	const char *suffix, const char *le, struct strbuf *out)
{
	struct strbuf name = {0};
	char sep = '{';

	strbuf_addf(&name, "%s%s", f->name, suffix);
	for (size_t k = 0; k < METRICS_LABELS; k++) {
		if (s->value[k] == NULL)
			continue;
		strbuf_addf(&name, "%c%s=\"", sep, f->label[k]);
		metrics_escape(s->value[k], &name);
		strbuf_add_char(&name, '"');
		sep = ',';
	}
	if (le != NULL) {
		strbuf_addf(&name, "%cle=\"%s\"", sep, le);
		sep = ',';
	}
	if (sep == ',')
		strbuf_add_char(&name, '}');
	strbuf_add_char(out, out->len > 1 ? ',' : ' ');
	/* The JSON string of it; what is not plain text is not told. */
	strbuf_add_char(out, '"');
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.buf[i];

		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else
			strbuf_add_char(out, c < 0x20 || c > 0x7e ? '?' : (char)c);
	}
	strbuf_add_cstr(out, "\":");
	strbuf_release(&name);
}

static void add_histogram(const struct metric_family *f,
	const struct series *s, struct strbuf *out)
{
	size_t n = bucket_count(f);
	int64_t upto = 0;

	for (size_t i = 0; i < n; i++) {
		struct strbuf le = {0};

		upto += s->buckets[i];
		add_seconds(f->buckets[i], &le);
		if (strchr(strbuf_cstr(&le), '.') == NULL)
			strbuf_add_cstr(&le, ".0"); /* one spelling for all */
		add_name(f, s, "_bucket", strbuf_cstr(&le), out);
		strbuf_addf(out, "%lld", (long long)upto);
		strbuf_release(&le);
	}
	add_name(f, s, "_bucket", "+Inf", out);
	strbuf_addf(out, "%lld", (long long)s->n);
	add_name(f, s, "_count", NULL, out);
	strbuf_addf(out, "%lld", (long long)s->n);
	add_name(f, s, "_sum", NULL, out);
	add_seconds(s->sum, out);
}

void metrics_snapshot(struct strbuf *out)
{
	struct strbuf text = {.limit = METRICS_TEXT_MAX - 1};
	size_t whole;

	strbuf_add_char(&text, '{');
	whole = text.len;
	pthread_mutex_lock(&state.lock);
	for (size_t m = 0; m < METRICS; m++) {
		const struct metric_family *f = &metric_families[m];

		for (size_t i = 0; i < state.of[m].n && !text.failed; i++) {
			const struct series *s = &state.of[m].v[i];

			if (f->kind == METRIC_HISTOGRAM) {
				add_histogram(f, s, &text);
			} else {
				add_name(f, s, "", NULL, &text);
				add_number(f, s->n, &text);
			}
			if (!text.failed)
				whole = text.len;
		}
	}
	pthread_mutex_unlock(&state.lock);
	strbuf_add(out, text.buf, whole);
	strbuf_add_char(out, '}');
	strbuf_release(&text);
}

void metrics_markdown(struct strbuf *out)
{
	static const char *const kinds[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};

	strbuf_add_cstr(out, "# Metrics\n\nPrinted by `make docs` from "
		"`proto/base/metrics_table.c`.\n\n"
		"`GET /metrics` of a logger has the metrics of all processes "
		"that it hears of,\nin Prometheus' text format, or in "
		"OpenMetrics for who asks for it. Each series\nhas the labels "
		"`role` and `instance`: scrape with `honor_labels: true`, and "
		"one\nlogger of several. A process that was silent for 10 s "
		"has no series. Labels\nhave values of the configuration, or "
		"words of a fixed set: never a repository's\nname, a tag or "
		"an address. A family has at most 250 series of a process; "
		"what\ncomes beyond is `other`.\n\n"
		"`etc/prometheus/alerts.yml` has rules for alerts, "
		"`etc/grafana/pullwire.json` a\ndashboard.\n\n");
	strbuf_add_cstr(out, "| metric | kind | of | labels | |\n"
			     "|---|---|---|---|---|\n");
	for (size_t m = 0; m < METRICS; m++) {
		const struct metric_family *f = &metric_families[m];

		strbuf_addf(out, "| `%s` | %s | %s | %s%s%s | %s |\n", f->name,
			kinds[f->kind], f->role,
			f->label[0] ? f->label[0] : "",
			f->label[1] ? ", " : "",
			f->label[1] ? f->label[1] : "", f->help);
	}
}
