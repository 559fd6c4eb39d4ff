/* Between float and quantized, and from one quantization to another. */
#ifndef SMIDGEN_KERNELS_QUANTIZE_H
#define SMIDGEN_KERNELS_QUANTIZE_H

#include "common.h"

/* Reads element i of an array of 1, 2 or 4 byte signed integers. */
SMIDGEN_INLINE int32_t smidgen_read_integer(const void *array, int32_t i, int32_t bytes) {
    if (bytes == 1)
        return ((const int8_t *)array)[i];
    return bytes == 2 ? ((const int16_t *)array)[i] : ((const int32_t *)array)[i];
}

SMIDGEN_INLINE void smidgen_write_integer(void *array, int32_t i, int32_t bytes, int32_t value) {
    if (bytes == 1)
        ((int8_t *)array)[i] = (int8_t)value;
    else if (bytes == 2)
        ((int16_t *)array)[i] = (int16_t)value;
    else
        ((int32_t *)array)[i] = value;
}

/* input_bytes, output_bytes: the size of an element, 1, 2 or 4. */
struct smidgen_rescale_shape {
    int32_t elements, input_bytes, output_bytes;
    uint32_t multiplier;
    int32_t input_zero_point, output_zero_point, shift, activation_min, activation_max;
};

static inline void smidgen_rescale(const struct smidgen_rescale_shape *shape, const void *x,
                                   void *y) {
    for (int32_t i = 0; i < shape->elements; i++) {
        const int32_t value = smidgen_read_integer(x, i, shape->input_bytes);
        const uint32_t centred = (uint32_t)value - (uint32_t)shape->input_zero_point;
        const int32_t scaled = smidgen_scale(centred, shape->multiplier, shape->shift);
        const int32_t result = (int32_t)((uint32_t)scaled + (uint32_t)shape->output_zero_point);
        smidgen_write_integer(y, i, shape->output_bytes,
                              smidgen_clamp(result, shape->activation_min, shape->activation_max));
    }
}

/* output_bytes: 1 or 2. */
struct smidgen_quantize_shape {
    int32_t elements, output_bytes, zero_point, activation_min, activation_max;
};

/* x / scale to the nearest integer, ties away from zero, saturated; not a number becomes the zero
 * point. */
static inline void smidgen_quantize(const struct smidgen_quantize_shape *shape, const void *x,
                                    const float *scale, void *y) {
    const float limit = 1 << 20; /* beyond every zero point and range, yet exact */
    for (int32_t i = 0; i < shape->elements; i++) {
        const float quotient = ((const float *)x)[i] / *scale;
        int32_t whole = 0;
        if (quotient >= limit)
            whole = 1 << 20;
        else if (quotient <= -limit)
            whole = -(1 << 20);
        else if (quotient == quotient) {
            whole = (int32_t)quotient;
            const float rest = quotient - (float)whole;
            whole += (rest >= 0.5f) - (rest <= -0.5f);
        }
        smidgen_write_integer(
            y, i, shape->output_bytes,
            smidgen_clamp(whole + shape->zero_point, shape->activation_min, shape->activation_max));
    }
}

/* input_bytes: 1 or 2. */
struct smidgen_dequantize_shape {
    int32_t elements, input_bytes, zero_point;
};

static inline void smidgen_dequantize(const struct smidgen_dequantize_shape *shape, const void *x,
                                      const float *scale, void *y) {
    for (int32_t i = 0; i < shape->elements; i++) {
        const int32_t centred = smidgen_read_integer(x, i, shape->input_bytes) - shape->zero_point;
        ((float *)y)[i] = *scale * (float)centred;
    }
}

/* For int32, whose differences need not be exact in float. input_bytes is not looked at. */
static inline void smidgen_dequantize_wide(const struct smidgen_dequantize_shape *shape,
                                           const void *x, const float *scale, void *y) {
    for (int32_t i = 0; i < shape->elements; i++) {
        const int64_t centred = (int64_t)((const int32_t *)x)[i] - shape->zero_point;
        ((float *)y)[i] = (float)((double)*scale * (double)centred);
    }
}

#endif
