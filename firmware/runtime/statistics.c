#include "statistics.h"

#include "mem.h"

enum { COMMAND_READ = 0, COMMAND_LIST = 1, NO_SUCH_NAME = 2 /* as in Zephyr */ };

static const char name[] = "smp";

void statistics_command(const smp_header *head, const cbor_bytes *request, cbor_writer *reply) {
    cbor_bytes asked;
    if (head->operation != SMP_READ || head->command > COMMAND_LIST) {
        smp_put_error(reply, SMP_NOT_SUPPORTED);
    } else if (head->command == COMMAND_LIST) {
        cbor_put_map(reply, 1);
        cbor_put_key(reply, "stat_list");
        cbor_put_array(reply, 1);
        cbor_put_key(reply, name);
    } else if (!cbor_get_text(request->data, request->length, "name", &asked)) {
        smp_put_error(reply, SMP_INVALID);
    } else if (asked.length != sizeof name - 1 || memcmp(asked.data, name, asked.length) != 0) {
        smp_put_group_error(reply, head, NO_SUCH_NAME, SMP_INVALID);
    } else {
        cbor_put_map(reply, 2);
        cbor_pair_text(reply, "name", name);
        cbor_put_key(reply, "fields");
        cbor_put_map(reply, 3);
        cbor_pair_uint(reply, "answered", smp_counts.answered);
        cbor_pair_uint(reply, "repeated", smp_counts.repeated);
        cbor_pair_uint(reply, "damaged", smp_counts.damaged);
    }
}
