    /* $index $id: $type_name, $detail$macs */
    BEFORE($index);
    $call;
$after

