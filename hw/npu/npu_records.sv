// The records of the last 256 descriptors, in block RAM.
module npu_records
  import npu_front_types::*;
(
    input  logic          clock,
    input  logic    [2:0] valid,          // of each unit
    output logic    [2:0] taken,
    input  logic    [2:0][7:0] indices,
    input  record_t [2:0] records,
    input  logic    [7:0] select,
    output record_t       selected        // in the next cycle
);
  (* ram_style = "block", no_rw_check *)
  logic [$bits(record_t)-1:0] entries[256];
  logic [1:0]                 unit;

  assign unit = valid[0] ? 2'd0 : valid[1] ? 2'd1 : 2'd2;
  assign taken = 3'b001 << unit;

  always_ff @(posedge clock) begin
    if (valid != 3'd0) entries[indices[unit]] <= records[unit];
    selected <= entries[select];
  end
endmodule
