#include "image.h"

#include <elf.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

constexpr long long kLargestFile = 256LL << 20;

std::string hexadecimal(uint64_t value) {
    char text[32];
    snprintf(text, sizeof text, "0x%08llx", static_cast<unsigned long long>(value));
    return text;
}

std::string read_file(const std::string &path, std::vector<uint8_t> &contents) {
    struct stat status;
    if (stat(path.c_str(), &status) != 0)
        return strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "not a file";
    if (status.st_size == 0)
        return "the file is empty";
    if (status.st_size > kLargestFile)
        return "the file is too large for any memory of this system";
    FILE *file = fopen(path.c_str(), "rb");
    if (!file)
        return strerror(errno);
    contents.resize(static_cast<size_t>(status.st_size));
    const bool complete = fread(contents.data(), 1, contents.size(), file) == contents.size();
    fclose(file);
    return complete ? "" : "the file could not be read to its end";
}

std::string store(const uint8_t *data, uint32_t size, uint64_t address, const Memory *memories,
                  int memory_count) {
    for (int i = 0; i < memory_count; i++) {
        const Memory &memory = memories[i];
        if (address < memory.origin || address + size > uint64_t{memory.origin} + memory.bytes)
            continue;
        const uint32_t offset = static_cast<uint32_t>(address) - memory.origin;
        for (uint32_t byte = 0; byte < size; byte++)
            memory.byte(offset + byte) = data[byte];
        return "";
    }
    std::string problem =
        std::to_string(size) + " bytes at " + hexadecimal(address) + " are outside every memory (";
    for (int i = 0; i < memory_count; i++) {
        if (i)
            problem += ", ";
        problem += std::string(memories[i].name) + " " + hexadecimal(memories[i].origin) + " to " +
                   hexadecimal(uint64_t{memories[i].origin} + memories[i].bytes - 1);
    }
    return problem + ")";
}

std::string load_elf(const std::vector<uint8_t> &file, const Memory *memories, int memory_count) {
    Elf32_Ehdr header;
    if (file.size() < sizeof header)
        return "truncated ELF file: the header is incomplete";
    memcpy(&header, file.data(), sizeof header);
    if (header.e_ident[EI_CLASS] != ELFCLASS32 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_RISCV)
        return "not a 32-bit little-endian RISC-V ELF file";
    if (header.e_phentsize != sizeof(Elf32_Phdr))
        return "damaged ELF file: wrong size of program headers";
    if (uint64_t{header.e_phoff} + uint64_t{header.e_phnum} * sizeof(Elf32_Phdr) > file.size())
        return "truncated ELF file: the program headers are incomplete";
    bool at_reset_address = false;
    for (int i = 0; i < header.e_phnum; i++) {
        Elf32_Phdr segment;
        memcpy(&segment, file.data() + header.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type != PT_LOAD || segment.p_filesz == 0)
            continue;
        if (uint64_t{segment.p_offset} + segment.p_filesz > file.size())
            return "truncated ELF file: segment " + std::to_string(i) + " is incomplete";
        const std::string problem = store(file.data() + segment.p_offset, segment.p_filesz,
                                          segment.p_paddr, memories, memory_count);
        if (!problem.empty())
            return "segment " + std::to_string(i) + ": " + problem;
        at_reset_address |= segment.p_paddr == 0;
    }
    return at_reset_address ? "" : "no segment is loaded at address 0, where the core starts";
}

} // namespace

std::string load_image(const std::string &path, const Memory *memories, int memory_count) {
    std::vector<uint8_t> file;
    std::string problem = read_file(path, file);
    if (!problem.empty())
        return problem;
    if (file.size() >= SELFMAG && memcmp(file.data(), ELFMAG, SELFMAG) == 0)
        return load_elf(file, memories, memory_count);
    const bool named_binary = path.size() > 4 && path.compare(path.size() - 4, 4, ".bin") == 0;
    if (!named_binary)
        return "not an ELF file (a raw binary must be named .bin)";
    return store(file.data(), static_cast<uint32_t>(file.size()), 0, memories, memory_count);
}
