// What the examples' programs share: what is searched for comes from standard input, a line each, since a command line
// can be read by everybody on the machine.
#pragma once

#include <iostream>
#include <string>

#include "examples/postgres/customers.h"

namespace shop {

inline std::string ReadLine() {
  std::string line;
  if (!std::getline(std::cin, line)) throw Failure("a line of standard input says what to look for");
  return line;
}

inline void Print(const Found& found) {
  for (const auto& [id, customer] : found.customers) {
    std::cout << id << "  " << customer.name << ", " << customer.city << ", " << customer.email << ", "
              << customer.income << "\n";
  }
  std::cout << found.customers.size() << " of " << found.candidates << " candidates\n";
}

// Runs `act`; the program's exit code: 1, with the reason on standard error, when it throws Failure.
template <typename Act>
int Run(const Act& act) {
  try {
    act();
    return 0;
  } catch (const Failure& failure) {
    std::cerr << failure.what() << "\n";
    return 1;
  }
}

}  // namespace shop
