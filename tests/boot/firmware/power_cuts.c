/* Cuts the power in every flash operation of an update, in every way, and again in every operation
 * of what follows, and looks at each start of the board which image it starts.
 *
 *     power_cuts SCENARIO CUTS FIRST.0 SECOND.1 THIRD.0
 *
 * The images are linked for the slots that their names end with. Prints the counts; ends with code
 * 1 at the first board that starts something else than a whole image that it should. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nor_model.h"
#include "slots.h"
#include "upload.h"

enum { PIECE_BYTES = 116, MOST_CUTS = 2, MOST_STARTS = 12 };

typedef struct {
    uint8_t bytes[UPDATE_SLOT_BYTES];
    uint32_t length;
    uint32_t slot;
} image_file;

typedef struct {
    uint32_t at;
    nor_cut_kind kind;
} cut;

static image_file images[3];
static const image_file *old_image, *new_image; /* old: NULL where the board starts empty */
static bool proves;                             /* the new image confirms itself */
static bool uploads;                            /* otherwise it lies in its slot already */

static cut cuts[MOST_CUTS];
static bool asked;     /* the host has asked for the new image to be tried */
static bool confirmed; /* the new image has confirmed itself */
static uint32_t starts, operations, erases;
static uint32_t started_old, started_new, started_none;

static uint8_t reply_bytes[512];
static upload_session session;
static cbor_writer reply;
static bool refused;

void smp_put_error(cbor_writer *body, uint32_t code) {
    (void)body;
    (void)code;
    refused = true;
}

void smp_put_group_error(cbor_writer *body, const smp_header *head, uint32_t code,
                         uint32_t otherwise) {
    (void)head;
    (void)otherwise;
    smp_put_error(body, code);
}

static void fail(const char *what) {
    printf("FAILED: %s, cut at operation %u in way %d, then at %u in way %d, start %u\n", what,
           cuts[0].at, cuts[0].kind, cuts[1].at, cuts[1].kind, starts);
    exit(1);
}

static void expect(bool holds, const char *what) {
    if (!holds) {
        fail(what);
    }
}

/* One request to the image group. */
static void ask(uint32_t command, const uint8_t *body, uint32_t length) {
    smp_header head = {SMP_WRITE, 1, IMAGE_GROUP, 0, command};
    cbor_bytes request = {body, length};
    reply = (cbor_writer){reply_bytes, reply_bytes + sizeof reply_bytes, false};
    refused = false;
    upload_command(&session, &head, &request, &reply);
    expect(!refused, "a request was refused");
}

static void send_image(const image_file *file) {
    uint8_t body[PIECE_BYTES + 64];
    for (uint32_t at = 0; at < file->length;) {
        uint32_t piece = file->length - at < PIECE_BYTES ? file->length - at : PIECE_BYTES;
        cbor_writer request = {body, body + sizeof body, false};
        cbor_put_map(&request, 3);
        cbor_pair_uint(&request, "off", at);
        cbor_pair_uint(&request, "len", file->length);
        memcpy(cbor_pair_bytes(&request, "data", piece), file->bytes + at, piece);
        ask(1, body, (uint32_t)(request.to - body));
        uint32_t length = (uint32_t)(reply.to - reply_bytes);
        expect(cbor_get_uint(reply_bytes, length, "off", &at), "no offset");
        expect(at != file->length || cbor_is_true(reply_bytes, length, "match"), "no match");
    }
}

static void mark_pending(const image_file *file) {
    uint8_t body[64];
    image_info image;
    cbor_writer request = {body, body + sizeof body, false};
    expect(slots_image(file->slot, &image), "no image where one was sent");
    cbor_put_map(&request, 2);
    memcpy(cbor_pair_bytes(&request, "hash", 32), image.hash, 32);
    cbor_pair_bool(&request, "confirm", false);
    ask(0, body, (uint32_t)(request.to - body));
}

static bool lies_in(const image_file *file, uint32_t slot) {
    return file != NULL && file->slot == slot &&
           memcmp(nor_bytes + slots_address(slot), file->bytes, file->length) == 0;
}

/* The power comes on: which image starts. */
static const image_file *start(bool *trial) {
    uint32_t slot = slots_choose(trial);
    expect(++starts < MOST_STARTS, "no end");
    if (slot == SLOT_NONE) {
        expect(old_image == NULL && !confirmed, "nothing to start");
        ++started_none;
        return NULL;
    }
    if (lies_in(new_image, slot)) {
        expect(asked, "an image that nobody asked for");
        ++started_new;
        return new_image;
    }
    expect(lies_in(old_image, slot), "neither the old nor the new image");
    expect(!confirmed, "the old image after the new one proved itself");
    expect(!*trial, "the old image on trial");
    ++started_old;
    return old_image;
}

/* The board runs and the host updates it, until it has the new image or that has shown not to work.
 */
static void live(void) {
    for (;;) {
        bool trial;
        const image_file *running = start(&trial);
        upload_begin(&session, running == NULL ? 0 : slots_address(running->slot));
        if (running == new_image) {
            expect(trial || confirmed || proves, "an unproven image was started twice");
            if (proves) {
                expect(slots_confirm(running->slot), "it cannot be confirmed");
                confirmed = true;
                return;
            }
            expect(start(&trial) == old_image, "an image that hangs came back");
            return;
        }
        if (uploads) {
            asked = asked || old_image == NULL; /* an empty board takes what it gets */
            send_image(new_image);
        }
        asked = true;
        if (old_image != NULL) {
            mark_pending(new_image);
        }
    }
}

/* One life of the board from a prepared flash on. Returns how many of the cuts were reached. */
static uint32_t run(const uint8_t *prepared) {
    volatile uint32_t reached = 0;
    memcpy(nor_bytes, prepared, NOR_BYTES);
    asked = confirmed = false;
    starts = 0;
    if (setjmp(nor_power) != 0) {
        ++reached;
    }
    nor_cut_at(reached < MOST_CUTS ? cuts[reached].at : 0,
               reached < MOST_CUTS ? cuts[reached].kind : CUT_BEFORE);
    live();
    operations = nor_operations;
    erases = nor_erases;
    /* What stays: the same image once more. */
    bool trial;
    nor_cut_at(0, CUT_BEFORE);
    expect(start(&trial) == (proves ? new_image : old_image) && !trial, "another image at the end");
    return reached;
}

static void read_image(image_file *file, const char *path) {
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        perror(path);
        exit(2);
    }
    file->length = (uint32_t)fread(file->bytes, 1, sizeof file->bytes, stream);
    file->slot = (uint32_t)(path[strlen(path) - 1] - '0');
    fclose(stream);
}

/* The flash after updates that nothing disturbed. */
static void prepare(uint8_t *flash, const char *scenario) {
    memset(flash, 0xff, NOR_BYTES);
    proves = uploads = true;
    new_image = &images[0];
    if (strcmp(scenario, "first") == 0) {
        return;
    }
    run(flash);
    memcpy(flash, nor_bytes, NOR_BYTES);
    old_image = new_image, new_image = &images[1];
    if (strcmp(scenario, "update") == 0) {
        return;
    }
    if (strcmp(scenario, "hang") == 0) {
        proves = false;
        return;
    }
    run(flash);
    memcpy(flash, nor_bytes, NOR_BYTES);
    old_image = new_image, new_image = &images[2];
    if (strcmp(scenario, "back") == 0) {
        new_image = &images[0];
        uploads = false;
    } else if (strcmp(scenario, "next") != 0) {
        printf("no such scenario: %s\n", scenario);
        exit(2);
    }
}

int main(int count, char **arguments) {
    static uint8_t prepared[NOR_BYTES];
    if (count != 6) {
        return 2;
    }
    uint32_t depth = (uint32_t)atoi(arguments[2]);
    for (int i = 0; i < 3; ++i) {
        read_image(&images[i], arguments[3 + i]);
    }
    prepare(prepared, arguments[1]);
    started_old = started_new = started_none = 0;
    run(prepared);
    uint32_t all = operations, blocks = erases, runs = 0;
    for (cuts[0].at = 1; cuts[0].at <= all; ++cuts[0].at) {
        for (cuts[0].kind = 0; cuts[0].kind < CUT_KINDS; ++cuts[0].kind) {
            cuts[1].at = 0;
            ++runs;
            expect(run(prepared) == 1, "the cut was not reached");
            uint32_t further = operations;
            for (cuts[1].at = 1; depth > 1 && cuts[1].at <= further; ++cuts[1].at) {
                for (cuts[1].kind = 0; cuts[1].kind < CUT_KINDS; ++cuts[1].kind) {
                    ++runs;
                    expect(run(prepared) == 2, "the second cut was not reached");
                }
            }
        }
    }
    printf("operations %u erases %u kinds %d runs %u old %u new %u none %u\n", all, blocks,
           CUT_KINDS, runs, started_old, started_new, started_none);
    return 0;
}
