// Adds a customer, unless the e-mail address is taken in any spelling: PostgreSQL's unique index over the tokens says
// so.
#include "examples/postgres/program.h"

int main() {
  return shop::Run([] {
    shop::Customers customers;
    const std::string email = shop::ReadLine();
    try {
      const std::int64_t number = customers.Add({email, "Somebody New", "Vienna", "30000"});
      std::cout << "customer " << number << "\n";
    } catch (const shop::Duplicate&) {
      std::cout << "that address is taken\n";
    }
    coffer::v1::Search search;
    search.set_equals(email);
    shop::Print(customers.Find({.column = "email", .name = "unique", .tokens = shop::Tokens::kUnique}, search));
  });
}
