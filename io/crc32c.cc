#include "io/crc32c.h"

#include <array>
#include <cstring>

namespace coffer {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // reflected

constexpr std::array<std::uint32_t, 256> MakeTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1U) ^ ((value & 1U) != 0 ? kPolynomial : 0U);
    table[i] = value;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kTable = MakeTable();

std::uint32_t ByTable(std::uint32_t crc, ByteView bytes) {
  for (const std::byte byte : bytes) crc = kTable[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xFFU] ^ (crc >> 8U);
  return crc;
}

#if defined(__x86_64__)
// The processor's own instruction: some twenty times the table's speed.
__attribute__((target("sse4.2"))) std::uint32_t ByInstruction(std::uint32_t crc, ByteView bytes) {
  std::uint64_t wide = crc;
  for (; bytes.size() >= sizeof(std::uint64_t); bytes = bytes.subspan(sizeof(std::uint64_t))) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (const std::byte byte : bytes) crc = __builtin_ia32_crc32qi(crc, std::to_integer<unsigned char>(byte));
  return crc;
}

bool MayUseInstruction() {
  static const bool supported = __builtin_cpu_supports("sse4.2") != 0;
  return supported;
}
#else
std::uint32_t ByInstruction(std::uint32_t crc, ByteView bytes) { return ByTable(crc, bytes); }
bool MayUseInstruction() { return false; }
#endif

}  // namespace

std::uint32_t Crc32c(ByteView bytes) {
  constexpr std::uint32_t kStart = ~std::uint32_t{0};
  return ~(MayUseInstruction() ? ByInstruction(kStart, bytes) : ByTable(kStart, bytes));
}

std::uint32_t Crc32cByTable(ByteView bytes) { return ~ByTable(~std::uint32_t{0}, bytes); }

}  // namespace coffer
