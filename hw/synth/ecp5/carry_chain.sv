// An ECP5 carry chain: a cell for two bits. The table, over {d, c, b, a}, says where a bit passes the carry on; where it
// does not, it makes a carry of the same table at {0, 0, b, a}. So a bit can take in what chooses its addends.
// TABLE is 0 at {0, 0, 0, 0}, so that a bit of zeros below the lowest one starts the chain whatever its carry in.
module carry_chain #(
    parameter int          WIDTH = 8,
    parameter logic [15:0] TABLE = 16'h0
) (
    input  logic [WIDTH-1:0] a,
    input  logic [WIDTH-1:0] b,
    input  logic [WIDTH-1:0] c,
    input  logic [WIDTH-1:0] d,
    output logic [WIDTH-1:0] sum
);
  localparam int PAIRS = (WIDTH + 2) / 2;
  logic [2*PAIRS-1:0] all_a, all_b, all_c, all_d, all_sum;
  logic [PAIRS:0] carry;
  assign all_a = (2 * PAIRS)'({a, 1'b0});
  assign all_b = (2 * PAIRS)'({b, 1'b0});
  assign all_c = (2 * PAIRS)'({c, 1'b0});
  assign all_d = (2 * PAIRS)'({d, 1'b0});
  assign carry[0] = 1'b0;
  assign sum = all_sum[WIDTH:1];

  for (genvar n = 0; n < PAIRS; n++) begin : g_pair
    CCU2C #(
        .INIT0(TABLE),
        .INIT1(TABLE),
        .INJECT1_0("NO"),
        .INJECT1_1("NO")
    ) pair (
        .CIN(carry[n]),
        .A0(all_a[2*n]),
        .B0(all_b[2*n]),
        .C0(all_c[2*n]),
        .D0(all_d[2*n]),
        .A1(all_a[2*n+1]),
        .B1(all_b[2*n+1]),
        .C1(all_c[2*n+1]),
        .D1(all_d[2*n+1]),
        .S0(all_sum[2*n]),
        .S1(all_sum[2*n+1]),
        .COUT(carry[n+1])
    );
  end
endmodule
