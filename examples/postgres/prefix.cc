// Finds customers whose name begins with some letters: 3 at least, as the index says. It holds beginnings of 3 and of 5
// letters, so the candidates for 4 are those for 3.
#include "examples/postgres/program.h"

int main() {
  return shop::Run([] {
    coffer::v1::Search search;
    search.set_begins_with(shop::ReadLine());
    shop::Print(shop::Customers().Find({.column = "name", .name = "start", .tokens = shop::Tokens::kArray}, search));
  });
}
