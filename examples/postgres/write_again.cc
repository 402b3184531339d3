// The application's part in rotating an index: writes the rows again whose tokens are of an older version than the one
// that is named. Others read and write meanwhile; searches find rows of both versions.
#include <charconv>
#include <string_view>

#include "examples/postgres/program.h"

int main(int argc, char** argv) {
  return shop::Run([&] {
    int version = 0;
    const std::string_view word = argc == 2 ? argv[1] : "";
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), version);
    if (error != std::errc() || end != word.data() + word.size()) throw shop::Failure("usage: write_again VERSION");
    shop::Customers customers;
    std::size_t rows = 0;
    while (const std::size_t some = customers.WriteAgain(version, 500)) rows += some;
    std::cout << rows << " customers written again\n";
  });
}
