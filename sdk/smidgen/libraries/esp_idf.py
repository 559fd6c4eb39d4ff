"""ESP-IDF: a component with its manifest; its examples are projects."""

from __future__ import annotations

from smidgen.libraries.format import Format

FORMAT = Format(
    name="esp-idf",
    specification="ESP-IDF Programming Guide, Build System; idf_component.yml",
    tool="idf.py",
    proven=False,
    proof="ESP-IDF cannot be had from a package registry: its component manager (PyPI) packs the component, "
    "and CMake builds the examples with stand-ins for ESP-IDF's functions",
    program="main/main.c",
    entry="void app_main(void)",
    ends=("", ""),
    # ESP-IDF's own components (5.x): one of that name in a project takes their place.
    reserved=frozenset({
        "bootloader", "bootloader_support", "bt", "cmock", "console", "cxx", "driver", "efuse", "esptool_py",
        "fatfs", "freertos", "hal", "heap", "http_parser", "idf_test", "json", "log", "lwip", "main",
        "mbedtls", "mqtt", "newlib", "nvs_flash", "openthread", "partition_table", "perfmon", "protocomm",
        "pthread", "riscv", "rt", "sdmmc", "soc", "spi_flash", "spiffs", "tcp_transport", "ulp", "unity",
        "usb", "vfs", "wear_levelling", "wifi_provisioning", "wpa_supplicant", "xtensa",
    }),
)  # fmt: skip
