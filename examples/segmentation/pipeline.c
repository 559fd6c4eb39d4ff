/* Scenes through the network on a system with the neural engine: one after the other, then
 * pipelined.
 *
 * The engine runs the network. The core makes the network's input of the camera's counts, and the
 * class of each pixel of its output. Pipelined, it does so for the scenes before and after while
 * the engine works: the model calls smidgen_npu_idle as long as it waits for the engine. Two arenas
 * take turns, so that nothing is copied. What happened when, and what came out, goes to the serial
 * line. */
#include "board.h"
#include "codec.h"
#include "model.h"
#include "scenes.h"

enum {
    PIXELS = HEIGHT * WIDTH,
    VALUES = PIXELS * BANDS,
    LARGEST_SCALE = 1 << SHIFT, /* times 12 bits fits into 31 */
    /* What one step does: the engine waits for the end of a step at most. */
    PIXELS_PREPARED = 24,
    PIXELS_ANSWERED = 32,
    SUMS = 45,
    WORDS = 16 /* of two counts of 12 bits, whose halves are summed up before one overflows */
};

typedef enum { ANSWER, SUM, SCALE, PREPARE, NOTHING } stage;

/* What the core has to do. */
static struct {
    stage stage;
    int32_t next; /* pixel, word or band with which the stage goes on */
    const int8_t *output;
    uint8_t *classes;
    const uint16_t *counts; /* NULL: there is no scene to prepare */
    int8_t *input;
    uint32_t sum;
    int32_t scale[BANDS];
    uint32_t ended[NOTHING]; /* cycle of the end of each stage */
} work;

extern uint8_t __arena_start[]; /* the linker script's */
static uint8_t classes[SCENES][PIXELS];

static void answer(void) {
    const int8_t *values = work.output + work.next * OUTPUTS;
    for (int32_t pixel = 0; pixel < PIXELS_ANSWERED; pixel++, values += OUTPUTS) {
        int32_t best = 0, largest = values[0];
        for (int32_t i = 1; i < CLASSES; i++) {
            if (__builtin_expect(values[i] > largest, 0)) { /* jumps only then */
                largest = values[i];
                best = i;
            }
        }
        work.classes[work.next + pixel] = (uint8_t)best;
    }
    work.next += PIXELS_ANSWERED;
}

static void sum(void) {
    const uint32_t *words = (const uint32_t *)(const void *)work.counts + work.next;
    for (int32_t i = 0; i < SUMS; i++, words += WORDS) {
        uint32_t halves = 0;
        for (int32_t word = 0; word < WORDS; word++) {
            halves += words[word];
        }
        work.sum += (halves & 0xffff) + (halves >> 16);
    }
    work.next += SUMS * WORDS;
}

static void scale(void) {
    uint64_t value = work.sum == 0 ? LARGEST_SCALE : factors[work.next] / work.sum;
    work.scale[work.next] = value < LARGEST_SCALE ? (int32_t)value : LARGEST_SCALE;
    work.next++;
}

/* Relative to the scene's mean, then by each band's mean and deviation, quantized. Offsets are such
 * that results are 0 to 255, so that one comparison finds out whether any of four is to be clamped.
 */
static void prepare(void) {
    const uint16_t *counts = work.counts + work.next * BANDS;
    uint8_t *input = (uint8_t *)work.input + work.next * BANDS;
    for (int32_t band = 0; band < BANDS; band++) {
        int32_t factor = work.scale[band], offset = offsets[band];
#pragma GCC unroll 8 /* all of it */
        for (int32_t first = 0; first < PIXELS_PREPARED; first += 4) {
            int32_t values[4], all = 0;
            for (int32_t i = 0; i < 4; i++) {
                values[i] = (counts[(first + i) * BANDS + band] * factor + offset) >> SHIFT;
                all |= values[i];
            }
            if ((uint32_t)all > 255) {
                for (int32_t i = 0; i < 4; i++) {
                    values[i] = values[i] < 0 ? 0 : values[i] > 255 ? 255 : values[i];
                }
            }
            for (int32_t i = 0; i < 4; i++) {
                input[(first + i) * BANDS + band] = (uint8_t)(values[i] - 128);
            }
        }
    }
    work.next += PIXELS_PREPARED;
}

/* Does a little of the work. Whether there was any. */
static bool step(void) {
    static const int32_t ends[] = {PIXELS, VALUES / 2, BANDS, PIXELS};
    switch (work.stage) {
    case ANSWER:
        answer();
        break;
    case SUM:
        sum();
        break;
    case SCALE:
        scale();
        break;
    case PREPARE:
        prepare();
        break;
    case NOTHING:
        return false;
    }
    if (work.next == ends[work.stage]) {
        work.ended[work.stage] = (uint32_t)board_cycles();
        work.stage = work.stage == ANSWER && work.counts == NULL ? NOTHING : work.stage + 1;
        work.next = 0;
    }
    return true;
}

/* The model's, while the engine works. */
void smidgen_npu_idle(void) {
    if (!step()) {
        __asm__ volatile("wfi" ::: "memory");
    }
}

static uint8_t *arena_of(int32_t frame) {
    return __arena_start + (frame & 1) * UNET_ARENA_BYTES;
}

/* Frames repeat the scenes. Those before the first and after the last do not exist. */
static void give(int32_t answered, int32_t prepared, int32_t frames) {
    work.next = 0;
    work.sum = 0;
    work.stage = NOTHING;
    if (prepared < frames) {
        work.counts = scenes[prepared % SCENES];
        work.input = unet_input_0(arena_of(prepared));
        work.stage = SUM;
    } else {
        work.counts = NULL;
    }
    if (answered >= 0) {
        work.output = unet_output_0(arena_of(answered));
        work.classes = classes[answered % SCENES];
        work.stage = ANSWER;
    }
}

static void print(const char *text) {
    while (*text != 0) {
        board_write((uint8_t)*text++);
    }
}

static void print_number(uint32_t value) {
    char digits[12];
    char *first = digits + sizeof digits - 1;
    *first = 0;
    do {
        *--first = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    print(" ");
    print(first);
}

static void print_line(const char *name, const uint32_t *values, int32_t count) {
    print(name);
    for (int32_t i = 0; i < count; i++) {
        print_number(values[i]);
    }
    print("\n");
}

static void print_output(int32_t frame) {
    uint32_t values[] = {(uint32_t)(frame % SCENES),
                         smidgen_crc32(0, unet_output_0(arena_of(frame)), UNET_OUTPUT_0_BYTES)};
    print_line("output", values, 2);
}

/* What the answers were; forgets them. */
static void print_classes(void) {
    for (int32_t scene = 0; scene < SCENES; scene++) {
        print("classes ");
        for (int32_t pixel = 0; pixel < PIXELS; pixel++) {
            board_write((uint8_t)('0' + classes[scene][pixel]));
            classes[scene][pixel] = CLASSES;
        }
        print("\n");
    }
}

static void one_after_the_other(void) {
    for (int32_t frame = 0; frame < SCENES; frame++) {
        uint32_t at[4] = {(uint32_t)board_cycles()};
        give(-1, frame, SCENES);
        while (step()) {
        }
        at[1] = (uint32_t)board_cycles();
        unet_run(arena_of(frame));
        at[2] = (uint32_t)board_cycles();
        give(frame, SCENES, SCENES);
        while (step()) {
        }
        at[3] = (uint32_t)board_cycles();
        print_line("serial", at, 4);
        print_output(frame);
    }
    print_classes();
}

/* Of each frame: when its network began and ended, when the core had answered the frame before and
 * had prepared the next one. */
static void pipelined(void) {
    static uint32_t at[FRAMES][4];
    give(-1, 0, FRAMES);
    while (step()) {
    }
    for (int32_t frame = 0; frame < FRAMES; frame++) {
        at[frame][0] = (uint32_t)board_cycles();
        give(frame - 1, frame + 1, FRAMES);
        unet_run(arena_of(frame));
        at[frame][1] = (uint32_t)board_cycles();
        while (step()) {
        }
        at[frame][2] = frame > 0 ? work.ended[ANSWER] : at[frame][0];
        at[frame][3] = frame + 1 < FRAMES ? work.ended[PREPARE] : at[frame][2];
    }
    give(FRAMES - 1, FRAMES, FRAMES);
    while (step()) {
    }
    for (int32_t frame = 0; frame < FRAMES; frame++) {
        print_line("pipelined", at[frame], 4);
    }
    print_output(FRAMES - 2);
    print_output(FRAMES - 1);
    print_classes();
}

/* start.S calls it. */
void smidgen_agent_main(void) {
    unet_reset(arena_of(0));
    unet_reset(arena_of(1));
    one_after_the_other();
    pipelined();
    board_exit(0);
}

/* And this after a trap, also one of the engine's. */
void smidgen_agent_fault(uint32_t cause, uint32_t place, uint32_t value) {
    uint32_t values[] = {cause, place, value};
    print_line("trap", values, 3);
    board_exit(1);
}
