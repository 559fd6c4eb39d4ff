static void copy_bytes(uint8_t *to, const uint8_t *from, uint32_t bytes) {
    while (bytes--) {
        *to++ = *from++;
    }
}

