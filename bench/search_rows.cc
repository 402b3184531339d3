#include "bench/search_rows.h"

#include <array>
#include <string_view>

namespace coffer::bench {
namespace {

constexpr std::string_view kOnsets[] = {"b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z"};
constexpr std::string_view kRhymes[] = {"a", "e", "i", "o", "u", "an", "en", "in", "on", "ar", "er", "or"};

// Takes numbers below a bound out of 64 random bits, one after another.
class Digits {
 public:
  explicit Digits(std::uint64_t bits) : bits_(bits) {}
  std::uint64_t Take(std::uint64_t bound) {
    const std::uint64_t digit = bits_ % bound;
    bits_ /= bound;
    return digit;
  }

 private:
  std::uint64_t bits_;
};

std::string Word(Digits& digits, int syllables) {
  std::string word;
  for (int i = 0; i < syllables; ++i) {
    word += kOnsets[digits.Take(std::size(kOnsets))];
    word += kRhymes[digits.Take(std::size(kRhymes))];
  }
  return word;
}

}  // namespace

std::uint64_t Mixed(std::uint64_t seed) {  // splitmix64
  seed += 0x9E3779B97F4A7C15;
  seed = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9;
  seed = (seed ^ (seed >> 27)) * 0x94D049BB133111EB;
  return seed ^ (seed >> 31);
}

SearchRow RowOf(std::int64_t id) {
  const auto number = static_cast<std::uint64_t>(id);
  Digits name(Mixed(3 * number));
  Digits email(Mixed(3 * number + 1));
  SearchRow row;
  row.name = Word(name, 2) + " " + Word(name, 2) + " " + Word(name, 3);
  row.email = Word(email, 3) + "." + Word(email, 2) + std::to_string(id) + "@" + Word(email, 2) + ".example";
  row.income = static_cast<std::int64_t>(Mixed(3 * number + 2) % kMaxIncome);
  return row;
}

}  // namespace coffer::bench
