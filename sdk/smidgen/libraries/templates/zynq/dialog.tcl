# The dialog in which Vivado's user chooses the engine's parameters.
proc init_gui {IPINST} {
    ipgui::add_param $IPINST -name "Component_Name"
    set page [ipgui::add_page $IPINST -name "Engine"]
    foreach name {@{names}} {
        ipgui::add_param $IPINST -name $name -parent $page -widget comboBox
    }
}
