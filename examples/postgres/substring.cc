// Finds customers whose name contains some letters: 3 at least, as the index's n says.
#include "examples/postgres/program.h"

int main() {
  return shop::Run([] {
    coffer::v1::Search search;
    search.mutable_contains()->set_text(shop::ReadLine());
    shop::Print(shop::Customers().Find({.column = "name", .name = "part", .tokens = shop::Tokens::kArray}, search));
  });
}
