# Adds the neural engine to the block design that is open: its control port behind a master port of the processing
# system, its memory port before the DDR memory, its interrupt, one clock and one reset.
#
#   source vivado/add_npu.tcl
#   add_npu processing_system7_0         (Zynq-7000; or the name of a zynq_ultra_ps_e)
#
# It makes interconnects of its own, so it wants M_AXI_GP0 and S_AXI_HP0 (UltraScale+: M_AXI_HPM0_FPD and S_AXI_HP0_FPD)
# unused. FCLK_CLK0 (pl_clk0) clocks everything.

set npu_package [file dirname [file dirname [file normalize [info script]]]]

# What the two families call the same things.
proc npu_processing_system {cell} {
    if {[string match *zynq_ultra_ps_e* [get_property VLNV [get_bd_cells $cell]]]} {
        return [dict create \
            settings [list CONFIG.PSU__USE__M_AXI_GP0 1 CONFIG.PSU__USE__M_AXI_GP1 0 CONFIG.PSU__USE__M_AXI_GP2 0 \
                CONFIG.PSU__USE__S_AXI_GP2 1 CONFIG.PSU__USE__IRQ0 1] \
            clock pl_clk0 reset pl_resetn0 interrupt pl_ps_irq0 \
            master M_AXI_HPM0_FPD slave S_AXI_HP0_FPD \
            clocked [list maxihpm0_fpd_aclk saxihp0_fpd_aclk] \
            memory SAXIGP2/HP0_DDR_LOW address 0xA0000000]
    }
    return [dict create \
        settings [list CONFIG.PCW_USE_M_AXI_GP0 1 CONFIG.PCW_USE_S_AXI_HP0 1 CONFIG.PCW_USE_FABRIC_INTERRUPT 1 \
            CONFIG.PCW_IRQ_F2P_INTR 1] \
        clock FCLK_CLK0 reset FCLK_RESET0_N interrupt IRQ_F2P \
        master M_AXI_GP0 slave S_AXI_HP0 \
        clocked [list M_AXI_GP0_ACLK S_AXI_HP0_ACLK] \
        memory S_AXI_HP0/HP0_DDR_LOWOCM address 0x43C00000]
}

proc add_npu {cell {name npu_0}} {
    global npu_package
    set_property ip_repo_paths [concat [get_property ip_repo_paths [current_project]] [list $npu_package/ip]] \
        [current_project]
    update_ip_catalog

    set system [npu_processing_system $cell]
    set_property -dict [dict get $system settings] [get_bd_cells $cell]
    set clock [get_bd_pins $cell/[dict get $system clock]]

    create_bd_cell -type ip -vlnv @{vlnv} $name
    set_property -dict [list @{parameters}] [get_bd_cells $name]
    create_bd_cell -type ip -vlnv xilinx.com:ip:proc_sys_reset:5.0 ${name}_reset
    foreach port {control memory} {
        create_bd_cell -type ip -vlnv xilinx.com:ip:smartconnect:1.0 ${name}_$port
        set_property -dict [list CONFIG.NUM_SI 1 CONFIG.NUM_MI 1] [get_bd_cells ${name}_$port]
    }

    connect_bd_net $clock [get_bd_pins $name/clock] [get_bd_pins ${name}_reset/slowest_sync_clk] \
        [get_bd_pins ${name}_control/aclk] [get_bd_pins ${name}_memory/aclk]
    foreach pin [dict get $system clocked] {
        connect_bd_net $clock [get_bd_pins $cell/$pin]
    }
    connect_bd_net [get_bd_pins $cell/[dict get $system reset]] [get_bd_pins ${name}_reset/ext_reset_in]
    connect_bd_net [get_bd_pins ${name}_reset/peripheral_reset] [get_bd_pins $name/reset]
    connect_bd_net [get_bd_pins ${name}_reset/interconnect_aresetn] [get_bd_pins ${name}_control/aresetn] \
        [get_bd_pins ${name}_memory/aresetn]

    connect_bd_intf_net [get_bd_intf_pins $cell/[dict get $system master]] [get_bd_intf_pins ${name}_control/S00_AXI]
    connect_bd_intf_net [get_bd_intf_pins ${name}_control/M00_AXI] [get_bd_intf_pins $name/s_axi]
    connect_bd_intf_net [get_bd_intf_pins $name/m_axi] [get_bd_intf_pins ${name}_memory/S00_AXI]
    connect_bd_intf_net [get_bd_intf_pins ${name}_memory/M00_AXI] [get_bd_intf_pins $cell/[dict get $system slave]]
    connect_bd_net [get_bd_pins $name/irq] [get_bd_pins $cell/[dict get $system interrupt]]

    assign_bd_address -offset [dict get $system address] -range 4K \
        -target_address_space [get_bd_addr_spaces $cell/Data] [get_bd_addr_segs $name/s_axi/reg0]
    assign_bd_address -target_address_space [get_bd_addr_spaces $name/m_axi] \
        [get_bd_addr_segs $cell/[dict get $system memory]]
}
