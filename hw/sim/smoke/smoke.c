/* Multiplies two small matrices the way a convolution kernel does, prints a checksum and the cycles
 * per instruction in hundredths, and echoes its input in upper case until a full stop. */
#include <stdint.h>

#define UART_DATA (*(volatile uint32_t *)0x20000000)
#define UART_STATUS (*(volatile uint32_t *)0x20000004)

static int8_t inputs[64 * 64], weights[64 * 64];
static int32_t results[64 * 64];

static uint32_t cycles(void) {
    uint32_t value;
    __asm__ volatile(".option push\n.option arch, +zicsr\ncsrr %0, mcycle\n.option pop"
                     : "=r"(value));
    return value;
}

static uint32_t instructions(void) {
    uint32_t value;
    __asm__ volatile(".option push\n.option arch, +zicsr\ncsrr %0, minstret\n.option pop"
                     : "=r"(value));
    return value;
}

static void put(char c) {
    while (!(UART_STATUS & 2)) {
    }
    UART_DATA = (uint8_t)c;
}

static void print(const char *text) {
    while (*text)
        put(*text++);
}

static void print_number(uint32_t value) {
    if (value >= 10)
        print_number(value / 10);
    put((char)('0' + value % 10));
}

static void multiply(void) {
    for (int row = 0; row < 64; row += 2)
        for (int column = 0; column < 64; column += 4) {
            int32_t sum[2][4] = {{0}};
            const int8_t *a = &inputs[row * 64], *b = &weights[column * 64];
            for (int k = 0; k < 64; k++, a++, b += 4)
                for (int i = 0; i < 2; i++)
                    for (int j = 0; j < 4; j++)
                        sum[i][j] += a[64 * i] * b[j];
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 4; j++)
                    results[(row + i) * 64 + column + j] = sum[i][j];
        }
}

int main(void) {
    uint32_t state = 1, checksum = 0;
    for (int i = 0; i < 64 * 64; i++) {
        state = state * 1664525u + 1013904223u;
        inputs[i] = (int8_t)(state >> 24);
        weights[i] = (int8_t)(state >> 16);
    }
    const uint32_t cycles_before = cycles(), instructions_before = instructions();
    multiply();
    const uint32_t cycles_taken = cycles() - cycles_before;
    const uint32_t instructions_taken = instructions() - instructions_before;
    for (int i = 0; i < 64 * 64; i++)
        checksum = checksum * 31 + (uint32_t)results[i];

    print("checksum ");
    print_number(checksum);
    print(" cycles ");
    print_number(cycles_taken);
    print(" instructions ");
    print_number(instructions_taken);
    print(" cpi*100 ");
    print_number(cycles_taken * 100 / instructions_taken);
    put('\n');

    __asm__ volatile(".option push\n.option arch, +zicsr\nli t0, 2048\ncsrw mie, t0\n.option pop" ::
                         : "t0");
    for (;;) {
        while (!(UART_STATUS & 1))
            __asm__ volatile("wfi");
        const char c = (char)UART_DATA;
        if (c == '.')
            return 7;
        put(c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
    }
}
