
proc update_PARAM_VALUE.@{name} {PARAM_VALUE.@{name}} {
}

proc validate_PARAM_VALUE.@{name} {PARAM_VALUE.@{name}} {
    return true
}

proc update_MODELPARAM_VALUE.@{name} {MODELPARAM_VALUE.@{name} PARAM_VALUE.@{name}} {
    set_property value [get_property value ${PARAM_VALUE.@{name}}] ${MODELPARAM_VALUE.@{name}}
}
