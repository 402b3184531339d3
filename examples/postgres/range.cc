// Finds customers whose income lies between two numbers, both included.
#include "examples/postgres/program.h"

int main() {
  return shop::Run([] {
    coffer::v1::Search search;
    search.mutable_between()->set_low(shop::ReadLine());
    search.mutable_between()->set_high(shop::ReadLine());
    shop::Print(shop::Customers().Find({.column = "income", .name = "range", .tokens = shop::Tokens::kArray}, search));
  });
}
