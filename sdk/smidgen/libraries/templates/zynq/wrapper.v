// The neural engine as plain Verilog, because Vivado's packager takes no SystemVerilog at the top (UG1118).
module @{name} #(
@{parameters}
) (
@{ports}
);
  npu #(
@{given}
  ) engine (
@{connected}
  );
endmodule
