// Adds eight customers.
#include "examples/postgres/program.h"

int main() {
  return shop::Run([] {
    shop::Customers customers;
    for (const shop::Customer& customer : {
             shop::Customer{"ada@lovelace.example", "Ada Lovelace", "London", "54000"},
             shop::Customer{"Grace.Hopper@navy.example", "Grace Hopper", "Arlington", "61500"},
             shop::Customer{"joerg@strasse.example", "Jörg Straßer", "Graz", "38250"},
             shop::Customer{"clove@garden.example", "Clover Adams", "Graz", "27900"},
             shop::Customer{"grete@hermann.example", "Grete Hermann", "Bremen", "48000"},
             shop::Customer{"hana@tokyo.example", "Ｈａｎａ Ōta", "Tokyo", "72000"},
             shop::Customer{"emmy@noether.example", "Emmy Noether", "Erlangen", "33000"},
             shop::Customer{"emmy@bremen.example", "Emmy Noether", "Bremen", "39999"},
         }) {
      const std::int64_t number = customers.Add(customer);
      std::cout << "customer " << number << "\n";
    }
  });
}
