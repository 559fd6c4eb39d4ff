
/* The integer that stands for a real number: rounded to nearest, ties away from zero, clamped. */
static inline $ctype ${prefix}_${kind}_${index}_quantize(float real) {
    const float limit = 131072.0f; /* beyond every clamp, and in the range of int32_t */
    float scaled = real / ${PREFIX}_${KIND}_${index}_SCALE;
    int32_t integer;
    if (!(scaled > -limit)) { /* not a number comes here too */
        scaled = -limit;
    }
    if (scaled > limit) {
        scaled = limit;
    }
    integer = (int32_t)scaled;
    if (scaled - (float)integer >= 0.5f) {
        integer += 1;
    } else if (scaled - (float)integer <= -0.5f) {
        integer -= 1;
    }
    integer += ${PREFIX}_${KIND}_${index}_ZERO_POINT;
    return ($ctype)(integer < $low ? $low : integer > $high ? $high : integer);
}

/* The real number that an integer stands for. */
static inline float ${prefix}_${kind}_${index}_dequantize($ctype integer) {
    return ${PREFIX}_${KIND}_${index}_SCALE * (float)((int32_t)integer - ${PREFIX}_${KIND}_${index}_ZERO_POINT);
}
