        wrong += golden_differences(@{name}_output_@{index}(arena),
                                    golden_output_@{index} + run * @{NAME}_OUTPUT_@{index}_ELEMENTS,
                                    @{NAME}_OUTPUT_@{index}_BYTES);
