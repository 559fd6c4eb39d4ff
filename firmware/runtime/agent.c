#include "smidgen_agent.h"

#include "board.h"
#include "link.h"
#include "mlperf.h"
#include "service.h"
#include "smp.h"
#include "statistics.h"
#include "update.h"

enum { FAULT_EXIT_CODE = 0x80 };

void smidgen_agent_fault(uint32_t cause, uint32_t pc, uint32_t address) {
    static const char *const keys[] = {"cause", "pc", "addr", "layer"};
    uint32_t values[] = {cause, pc, address, *smidgen_agent_model->layer};
    smp_send_notice(COMMAND_FAULT, SMP_NOTICE_PAIRS, keys, values);
    board_exit(FAULT_EXIT_CODE + (cause & 0x7f));
}

void smp_group_command(const smp_header *head, const cbor_bytes *request, cbor_writer *reply) {
    if (head->group == STATISTICS_GROUP) {
        statistics_command(head, request, reply);
        return;
    }
    if (head->group != SMIDGEN_GROUP || head->command == COMMAND_BOARD) {
        update_command(head, request, reply);
        return;
    }
    if (head->operation == SMP_WRITE) {
        mlperf_forget();
    }
    service_status status =
        service_command(head->operation == SMP_WRITE, head->command, request, reply);
    if (status != STATUS_OK) {
        smp_put_group_error(reply, head, status,
                            status == STATUS_NO_SUCH_COMMAND ? SMP_NOT_SUPPORTED : SMP_INVALID);
    }
}

void smidgen_agent_main(void) {
    board_init();
    service_init(smidgen_agent_model);
    update_prove();
    mlperf_greet();
    for (;;) {
        uint8_t byte = link_wait_byte();
        if (byte == LINK_START || byte == LINK_CONTINUE) {
            mlperf_drop();
            smp_receive_line(byte);
        } else if (!link_is_open()) {
            mlperf_take(byte);
        }
    }
}
