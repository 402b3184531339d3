// Finds customers by e-mail address, in whatever spelling.
#include "examples/postgres/program.h"

int main() {
  return shop::Run([] {
    coffer::v1::Search search;
    search.set_equals(shop::ReadLine());
    shop::Print(shop::Customers().Find({.column = "email", .name = "exact"}, search));
  });
}
