#include "logger/output.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "logger/row.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

struct output {
	int fd;
	bool text, colour;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more;
	struct strbuf waiting;
	uint64_t left_out;
	bool stopping;
	bool ended, abandoned; /* the one who comes second frees */
};

enum output_format output_resolve(int fd, enum output_format format)
{
	if (format == OUTPUT_AUTO)
		return isatty(fd) ? OUTPUT_TEXT : OUTPUT_JSON;
	return format;
}

bool output_colour(int fd)
{
	const char *no = getenv("NO_COLOR"), *force = getenv("CLICOLOR_FORCE");

	if (no != NULL && no[0] != '\0')
		return false;
	return isatty(fd) ||
		(force != NULL && force[0] != '\0' && strcmp(force, "0") != 0);
}

static int write_all(int fd, struct str s)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n >= 0)
			s = str_cut(s, (size_t)n, s.n);
		else if (errno == EAGAIN)
			poll(&p, 1, -1); /* someone made it non-blocking */
		else if (errno != EINTR)
			return -1;
	}
	return 0;
}

static void output_free(struct output *o)
{
	strbuf_release(&o->waiting);
	pthread_mutex_destroy(&o->lock);
	pthread_cond_destroy(&o->more);
	free(o);
}

static void *output_main(void *arg)
{
	struct output *o = arg;
	struct strbuf now = {0};
	bool abandoned;

	pthread_mutex_lock(&o->lock);
	while (!o->stopping || o->waiting.len > 0) {
		if (o->waiting.len == 0) {
			pthread_cond_wait(&o->more, &o->lock);
			continue;
		}
		now = o->waiting;
		o->waiting = (struct strbuf){.limit = OUTPUT_WAITING_MAX};
		pthread_mutex_unlock(&o->lock);
		if (write_all(o->fd, strbuf_str(&now)) < 0)
			log_limited(LOG_WARN, "stdout", "standard output: %s; "
				"rows are in the store", strerror(errno));
		strbuf_release(&now);
		pthread_mutex_lock(&o->lock);
	}
	o->ended = true;
	abandoned = o->abandoned;
	pthread_mutex_unlock(&o->lock);
	if (abandoned)
		output_free(o);
	return NULL;
}

struct output *output_start(int fd, enum output_format format,
	struct err *err)
{
	struct output *o = xcalloc(1, sizeof(*o));
	sigset_t all, old;
	int rc;

	o->fd = fd;
	o->text = output_resolve(fd, format) == OUTPUT_TEXT;
	o->colour = output_colour(fd);
	o->waiting.limit = OUTPUT_WAITING_MAX;
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->more, NULL);
	sigfillset(&all); /* signals are the loop's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&o->thread, NULL, output_main, o);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return o;
	err_retry(err, "no thread for standard output: %s", strerror(rc));
	output_free(o);
	return NULL;
}

void output_row(struct output *o, const struct record *r)
{
	struct strbuf line = {0};

	if (o->text)
		row_text(r, o->colour, &line);
	else
		row_json(r, &line);
	strbuf_add_char(&line, '\n');
	pthread_mutex_lock(&o->lock);
	if (o->waiting.len + line.len <= OUTPUT_WAITING_MAX) {
		strbuf_add_str(&o->waiting, strbuf_str(&line));
		pthread_cond_signal(&o->more);
	} else {
		o->left_out++;
		log_limited(LOG_WARN, "stdout full", "nobody reads standard "
			"output: rows are left out there; they are in the "
			"store");
	}
	pthread_mutex_unlock(&o->lock);
	strbuf_release(&line);
}

uint64_t output_left_out(struct output *o)
{
	uint64_t n;

	pthread_mutex_lock(&o->lock);
	n = o->left_out;
	pthread_mutex_unlock(&o->lock);
	return n;
}

void output_stop(struct output *o, int64_t wait_ms)
{
	struct timespec end;
	bool ended;

	if (o == NULL)
		return;
	pthread_mutex_lock(&o->lock);
	o->stopping = true;
	pthread_cond_signal(&o->more);
	pthread_mutex_unlock(&o->lock);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += wait_ms / 1000;
	end.tv_nsec += wait_ms % 1000 * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	if (pthread_timedjoin_np(o->thread, NULL, &end) == 0) {
		output_free(o);
		return;
	}
	/* It is stuck in write(): left to itself, or to the process's end. */
	log_warn(NULL, "nobody reads standard output: the last rows are only "
		"in the store");
	pthread_detach(o->thread);
	pthread_mutex_lock(&o->lock);
	ended = o->ended;
	o->abandoned = true;
	pthread_mutex_unlock(&o->lock);
	if (ended)
		output_free(o);
}
