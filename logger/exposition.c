#include "logger/exposition.h"

#include "proto/base/metrics.h"
#include "proto/base/vec.h"
#include "proto/data/json.h"

#define SERIES_MAX 5000 /* of one process */

struct sample {
	enum metric family;
	size_t process;
	char *suffix; /* "_bucket", or "" */
	char *labels; /* A="...",B="..." or "" */
	char *value;
};

struct page {
	VEC(char *) processes; /* role="...",instance="..." */
	VEC(struct sample) samples;
};

/* ---- reading a status ---------------------------------------------------- */

/* What may follow the name of a histogram. */
static bool is_part(const struct metric_family *f, struct str suffix)
{
	if (f->kind != METRIC_HISTOGRAM)
		return suffix.n == 0;
	return str_is(suffix, "_bucket") || str_is(suffix, "_sum") ||
		str_is(suffix, "_count");
}

/* The family of NAME; METRICS when there is none. */
static enum metric family_of(struct str name, struct str *suffix)
{
	for (size_t m = 0; m < METRICS; m++) {
		const struct metric_family *f = &metric_families[m];

		if (!str_starts(name, str_from(f->name)))
			continue;
		*suffix = str_cut(name, strlen(f->name), name.n);
		if (is_part(f, *suffix))
			return (enum metric)m;
	}
	return METRICS;
}

static bool is_label(const struct metric_family *f, struct str name)
{
	for (size_t i = 0; i < METRICS_LABELS; i++)
		if (f->label[i] != NULL && str_is(name, f->label[i]))
			return true;
	return f->kind == METRIC_HISTOGRAM && str_is(name, "le");
}

/* Takes `NAME="VALUE"` off *rest. */
static bool take_label(const struct metric_family *f, struct str *rest)
{
	size_t eq = str_find(*rest, '='), i = eq + 2;

	if (eq + 1 >= rest->n || rest->p[eq + 1] != '"' ||
		!is_label(f, str_cut(*rest, 0, eq)))
		return false;
	for (; i < rest->n && rest->p[i] != '"'; i++) {
		if ((unsigned char)rest->p[i] < 0x20)
			return false;
		if (rest->p[i] == '\\' && (++i >= rest->n ||
				strchr("\\\"n", rest->p[i]) == NULL))
			return false;
	}
	if (i >= rest->n)
		return false;
	*rest = str_cut(*rest, i + 1, rest->n);
	return true;
}

/* {A="...",B="..."}, or nothing at all. */
static bool labels_are_good(const struct metric_family *f, struct str s)
{
	if (s.n == 0)
		return true;
	if (s.n < 2 || s.p[s.n - 1] != '}')
		return false;
	s = str_cut(s, 1, s.n - 1);
	while (take_label(f, &s)) {
		if (s.n == 0)
			return true;
		if (s.p[0] != ',')
			return false;
		s = str_cut(s, 1, s.n);
	}
	return false;
}

static void add_sample(struct page *p, const struct json *member)
{
	struct str key = str_from(json_key(member)), suffix, name, labels, n;
	char buf[JSON_NUMBER_BUF];
	struct sample s;

	name = str_cut(key, 0, str_find(key, '{'));
	labels = str_cut(key, name.n, key.n);
	n = json_number_text(member, buf);
	s.family = family_of(name, &suffix);
	if (s.family == METRICS || n.n == 0 ||
		!labels_are_good(&metric_families[s.family], labels))
		return;
	s.process = p->processes.n - 1;
	s.suffix = xmemdup0(suffix.p, suffix.n);
	labels = str_cut(labels, 1, labels.n > 0 ? labels.n - 1 : 0);
	s.labels = xmemdup0(labels.p, labels.n);
	s.value = xmemdup0(n.p, n.n);
	VEC_PUSH(&p->samples, s);
}

/* A value of a status that is no text of ours. */
static void add_value(const char *value, struct strbuf *out)
{
	struct strbuf plain = {0};

	for (; *value != '\0'; value++)
		strbuf_add_char(&plain, *value < 0x20 || *value > 0x7e
				? '?' : *value);
	metrics_escape(strbuf_cstr(&plain), out);
	strbuf_release(&plain);
}

static void add_process(void *ctx, const struct msg_status *last)
{
	static const struct json_limits limits = {.depth = 2,
		.nodes = SERIES_MAX};
	struct json *j = json_parse(str_from(last->metrics), &limits, NULL);
	struct page *p = ctx;
	struct strbuf labels = {0};

	strbuf_add_cstr(&labels, "role=\"");
	add_value(last->role, &labels);
	strbuf_add_cstr(&labels, "\",instance=\"");
	add_value(last->instance, &labels);
	strbuf_add_char(&labels, '"');
	VEC_PUSH(&p->processes, strbuf_detach(&labels));
	for (struct json *m = json_first(j); m != NULL; m = json_next(m))
		add_sample(p, m);
	json_free(j);
}

/* ---- writing -------------------------------------------------------------- */

bool exposition_is_open(const char *accept)
{
	return accept != NULL &&
		strstr(accept, "application/openmetrics-text") != NULL;
}

const char *exposition_type(bool open)
{
	return open ? "application/openmetrics-text; version=1.0.0; "
		      "charset=utf-8"
		    : "text/plain; version=0.0.4; charset=utf-8";
}

static void write_head(const struct metric_family *f, bool open,
	struct strbuf *out)
{
	static const char *const kinds[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};
	int n = (int)strlen(f->name);

	/* OpenMetrics: a counter is called without what its sample ends with. */
	if (open && f->kind == METRIC_COUNTER)
		n -= (int)strlen("_total");
	strbuf_addf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", n, f->name,
		f->help, n, f->name, kinds[f->kind]);
}

static void write_family(const struct page *p, enum metric m, bool open,
	struct strbuf *out)
{
	const struct metric_family *f = &metric_families[m];
	bool first = true;

	for (size_t i = 0; i < p->samples.n; i++) {
		const struct sample *s = &p->samples.v[i];

		if (s->family != m)
			continue;
		if (first)
			write_head(f, open, out);
		first = false;
		strbuf_addf(out, "%s%s{%s%s%s} %s\n", f->name, s->suffix,
			p->processes.v[s->process], s->labels[0] ? "," : "",
			s->labels, s->value);
	}
}

void exposition_write(struct processes *processes, int64_t mono, bool open,
	struct strbuf *out)
{
	struct page p = {0};

	processes_each(processes, mono, add_process, &p);
	for (size_t m = 0; m < METRICS; m++)
		write_family(&p, (enum metric)m, open, out);
	if (open)
		strbuf_add_cstr(out, "# EOF\n");
	for (size_t i = 0; i < p.samples.n; i++) {
		free(p.samples.v[i].suffix);
		free(p.samples.v[i].labels);
		free(p.samples.v[i].value);
	}
	for (size_t i = 0; i < p.processes.n; i++)
		free(p.processes.v[i]);
	VEC_RELEASE(&p.samples);
	VEC_RELEASE(&p.processes);
}
