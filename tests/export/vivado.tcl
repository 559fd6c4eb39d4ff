# Stands in for Vivado: its commands do nothing but say what they were called with. Objects are their names.
#
#   tclsh vivado.tcl SCRIPT ARGUMENTS...

proc say {args} {
    puts [join $args " "]
}

foreach name {
    add_files apply_bd_automation assign_bd_address connect_bd_intf_net connect_bd_net create_bd_cell create_bd_design
    create_project launch_runs save_bd_design set_property update_ip_catalog validate_bd_design wait_on_run
} {
    proc $name args "say $name {*}\$args"
}
foreach name {get_bd_addr_segs get_bd_addr_spaces get_bd_cells get_bd_intf_pins get_bd_pins get_files get_runs} {
    proc $name {one} {return $one}
}
proc current_project {} {return project}
proc current_fileset {} {return sources_1}
proc make_wrapper {args} {return npu_wrapper.v}
proc get_property {name object} {
    switch $name {
        VLNV {return xilinx.com:ip:[string range $object 0 end-2]:1.0}
        PROGRESS {return 100%}
        DIRECTORY {return npu_project/npu.runs/$object}
        IP_REPO_PATHS - ip_repo_paths {return /elsewhere}
    }
    error "no property $name"
}

set script [lindex $argv 0]
set argv [lrange $argv 1 end]
set argc [llength $argv]
source $script
