/* $Kind $index: "$tensor", $dtype, $shape_text. */
#define ${PREFIX}_${KIND}_${index}_ELEMENTS $elements
#define ${PREFIX}_${KIND}_${index}_BYTES $bytes
#define ${PREFIX}_${KIND}_${index}_RANK $rank
#define ${PREFIX}_${KIND}_${index}_SHAPE $shape
${quantization}static inline $ctype *${prefix}_${kind}_${index}(void *arena) {
    return ($ctype *)(void *)((uint8_t *)arena + $offset);
}
$helpers
