/* Depthwise convolutions, int8, NHWC. */
#ifndef SMIDGEN_KERNELS_DEPTHWISE_H
#define SMIDGEN_KERNELS_DEPTHWISE_H

#include "common.h"

/* y (batches, output_height, output_width, input_channels * channel_multiplier); weights (kernel_height,
 * kernel_width, output channels) as in the file. Output channel c * channel_multiplier + m is of input
 * channel c. Multiplier and shift per output channel; the input's zero point is not part of the bias. */
struct smidgen_depthwise_shape {
    int32_t batches, input_height, input_width, input_channels;
    int32_t output_height, output_width, channel_multiplier;
    int32_t kernel_height, kernel_width, stride_height, stride_width;
    int32_t dilation_height, dilation_width, pad_top, pad_left;
    int32_t input_zero_point, output_zero_point, activation_min, activation_max;
};

static inline void smidgen_depthwise(const struct smidgen_depthwise_shape *shape, const int8_t *x,
                                     const int8_t *weights, const int32_t *bias,
                                     const uint32_t *multiplier, const int8_t *shift, int8_t *y) {
    const int32_t channels = shape->input_channels * shape->channel_multiplier;
    const struct smidgen_output output = {shape->output_zero_point, shape->activation_min,
                                          shape->activation_max};
    for (int32_t batch = 0; batch < shape->batches; batch++) {
        const int8_t *image =
            x + (ptrdiff_t)batch * shape->input_height * shape->input_width * shape->input_channels;
        for (int32_t row = 0; row < shape->output_height; row++) {
            for (int32_t column = 0; column < shape->output_width; column++) {
                for (int32_t channel = 0; channel < channels; channel++) {
                    uint32_t sum = (uint32_t)bias[channel];
                    for (int32_t ky = 0; ky < shape->kernel_height; ky++) {
                        const int32_t iy = row * shape->stride_height - shape->pad_top + ky * shape->dilation_height;
                        if (iy < 0 || iy >= shape->input_height)
                            continue;
                        for (int32_t kx = 0; kx < shape->kernel_width; kx++) {
                            const int32_t ix = column * shape->stride_width - shape->pad_left + kx * shape->dilation_width;
                            if (ix < 0 || ix >= shape->input_width)
                                continue;
                            const int32_t value =
                                image[((ptrdiff_t)iy * shape->input_width + ix) * shape->input_channels +
                                      channel / shape->channel_multiplier] -
                                shape->input_zero_point;
                            sum += (uint32_t)(value * weights[(ky * shape->kernel_width + kx) * channels + channel]);
                        }
                    }
                    *y++ = smidgen_finish(smidgen_scale(sum, multiplier[channel], shift[channel]), &output);
                }
            }
        }
    }
}

#endif
