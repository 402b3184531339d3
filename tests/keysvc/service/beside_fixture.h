// BesideFixture: a shop whose policy lets applications read e-mail addresses and no password, so that a test sees when
// something beside the policy lets them.
#pragma once

#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {

class BesideFixture : public ServiceFixture {
 protected:
  void SetUp() override {
    StartShop();
    password_ = Encrypted(PasswordColumn("hunter2", row_, "u", "l")).front();
  }

  StoreUuid Store() { return barrier->Enter().value()->uuid; }
  Grants& grants() { return *barrier->Enter().value()->grants; }
  PolicyPointer Base() { return barrier->Enter().value()->policies->base(); }

  // Applies the policy of the fixture; `more` stands at its end.
  Status Apply(std::uint64_t serial, const std::string& more = "") {
    std::string text = people.PolicyText(serial, People::PersonText(people.carol) + more);
    const std::size_t begin = text.find("[grant.app-all]");
    text.replace(begin, text.find("[grant.", begin + 1) - begin, R"([grant.emails]
roles = ["app"]
operations = ["EncryptFields", "DecryptFields"]
fields = ["shop.user.email"]
classes = "all"
keyrings = "all"
tenants = "all"
)");
    COFFER_TRY(access.ApplyPolicy(
        admin, {.policy = text, .signatures = people.Signatures(Store(), text, serial), .recovery = std::nullopt}));
    return {};
  }

  // "" when `by` reads the password, else the code's name.
  std::string Reads(const Caller& by) { return Code(fields.Decrypt(by, {PasswordColumn(password_, row_, "u", "l")})); }
  // The rule that decided the last call.
  std::string Rule() { return std::string(recorded.records.back().rule); }
  template <typename T>
  static std::string Code(const Result<T>& result) {
    return result.ok() ? "" : std::string(ErrorCodeName(result.error().code()));
  }
  static Caller As(const std::string& principal) {
    const policy::Principal parsed = policy::ParsePrincipal(principal).value();
    return {.principal = parsed, .local = true};
  }

  // Seals and opens again.
  void Restart() {
    ASSERT_TRUE(barrier->Seal().ok());
    ASSERT_TRUE(barrier->Unseal(KeyFile()).ok());
  }
  // As who holds the root key could: a row with a right MAC. What unsealing says then.
  std::string CodeWithRow(Table table, const Row& row) {
    {
      StoreMutation mutation = barrier->Enter().value()->store->Begin().value();
      EXPECT_TRUE(mutation.Insert(table, row).ok());
      EXPECT_TRUE(mutation.Commit().ok());
    }
    const Status opened = OpenBarrier(store, clock)->Unseal(KeyFile());
    return opened.ok() ? "" : std::string(ErrorCodeName(opened.error().code()));
  }
  std::size_t Rows(Table table) { return store.Begin().value()->Scan({.table = table})->size(); }

  const People people;
  const Uuid row_ = Uuid::Generate(1);
  std::string password_;
};

}  // namespace coffer::keysvc
