/*
 * Asks libsepol about a binary policy: reads one question a line and answers each with one line.
 * The policy is the argument. Classes, booleans and SIDs are numbers.
 *
 *   c CONTEXT              the context's SID, 0 when it is not valid; the answer has its text, too
 *   b BOOLEAN STATE        sets a boolean
 *   a SOURCE TARGET CLASS  allowed, auditallow and auditdeny, in hexadecimal
 *   t SOURCE TARGET CLASS  context by type_transition; m: by type_member; h: by type_change
 *   v OLD NEXT TASK CLASS  1 when every validatetrans holds, else 0
 */

#include <sepol/policydb/conditional.h>
#include <sepol/policydb/policydb.h>
#include <sepol/policydb/services.h>
#include <sepol/policydb/sidtab.h>
#include <sepol/debug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static policydb_t policy;
static sidtab_t sids;

static void load(const char *path)
{
	struct policy_file file;
	FILE *stream = fopen(path, "rb");

	if (!stream) {
		perror(path);
		exit(1);
	}
	policy_file_init(&file);
	file.type = PF_USE_STDIO;
	file.fp = stream;
	if (policydb_init(&policy) || policydb_read(&policy, &file, 0)) {
		fprintf(stderr, "%s: refused\n", path);
		exit(1);
	}
	fclose(stream);
	if (sepol_set_policydb(&policy) || sepol_sidtab_init(&sids) || sepol_set_sidtab(&sids))
		exit(1);
}

static void answer_sid(unsigned sid)
{
	sepol_security_context_t text;
	size_t length;

	if (sepol_sid_to_context(sid, &text, &length)) {
		puts("0");
		return;
	}
	printf("%u %.*s\n", sid, (int)length, text);
	free(text);
}

static void answer_context(char *text)
{
	sepol_security_id_t sid;

	text[strcspn(text, "\n")] = '\0';
	if (sepol_context_to_sid(text, strlen(text) + 1, &sid))
		puts("0");
	else
		answer_sid(sid);
}

static void answer_access(unsigned source, unsigned target, unsigned tclass)
{
	struct sepol_av_decision decision;

	if (sepol_compute_av(source, target, tclass, 0, &decision))
		puts("error");
	else
		printf("%x %x %x\n", decision.allowed, decision.auditallow, decision.auditdeny);
}

static void answer_transition(char kind, unsigned source, unsigned target, unsigned tclass)
{
	sepol_security_id_t sid;
	int error = kind == 't' ? sepol_transition_sid(source, target, tclass, &sid)
		  : kind == 'm' ? sepol_member_sid(source, target, tclass, &sid)
				: sepol_change_sid(source, target, tclass, &sid);

	if (error)
		puts("0");
	else
		answer_sid(sid);
}

static void answer_validation(unsigned old, unsigned next, unsigned task, unsigned tclass)
{
	char *reason = NULL;

	printf("%d\n", !sepol_validate_transition_reason_buffer(old, next, task, tclass, &reason, 0));
	free(reason);
}

static void set_boolean(unsigned boolean, unsigned state)
{
	policy.bool_val_to_struct[boolean - 1]->state = state;
	evaluate_conds(&policy);
	puts("1");
}

int main(int argc, char **argv)
{
	char line[65536];
	unsigned a, b, c, d;

	if (argc != 2)
		return 2;
	sepol_debug(0);
	load(argv[1]);
	while (fgets(line, sizeof line, stdin)) {
		char kind = line[0];

		if (kind == 'c')
			answer_context(line + 2);
		else if (kind == 'b' && sscanf(line + 1, "%u %u", &a, &b) == 2)
			set_boolean(a, b);
		else if (kind == 'a' && sscanf(line + 1, "%u %u %u", &a, &b, &c) == 3)
			answer_access(a, b, c);
		else if (kind == 'v' && sscanf(line + 1, "%u %u %u %u", &a, &b, &c, &d) == 4)
			answer_validation(a, b, c, d);
		else if (sscanf(line + 1, "%u %u %u", &a, &b, &c) == 3)
			answer_transition(kind, a, b, c);
		else
			puts("?");
	}
	return 0;
}
