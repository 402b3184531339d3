// Finds customers by name and city together: the index tells nothing about either alone.
#include "examples/postgres/program.h"

int main() {
  return shop::Run([] {
    coffer::v1::Search search;
    search.mutable_parts()->add_values(shop::ReadLine());
    search.mutable_parts()->add_values(shop::ReadLine());
    const shop::Index name_and_city = {.column = "name", .name = "and_city", .other_part = "city"};
    shop::Print(shop::Customers().Find(name_and_city, search));
  });
}
