// AskingPolicy: People's policy, but for operations that it asks approvals for though nobody has to; and two persons
// more: carol, who calls as an application, since no policy asks what nobody of it could ask for, and erin, an auditor.
// alice asks as whatever she is the user of.
#pragma once

#include "tests/keysvc/service/people.h"

namespace coffer::keysvc {

struct AskingPolicy {
  struct Asking {
    policy::Role role;
    std::vector<policy::Operation> operations;
  };

  std::vector<Asking> asking = {};  // the grant of a role is "<role>-asks"
  std::string approvals = "count = 1, roles = [\"admin\"]";
  std::string fields = "\"all\"";  // that it asks about
  std::string app_limits = {};     // a line of the app's other grant
  std::string more = {};           // other grants

  // Applies it, signed by both.
  void Apply(const People& people, const AccessService& access, StoreUuid store, std::uint64_t serial) const {
    const std::string text = Text(people, serial);
    const auto applied = access.ApplyPolicy(
        people.alice.AsCaller(),
        {.policy = text, .signatures = people.Signatures(store, text, serial), .recovery = std::nullopt});
    ASSERT_TRUE(applied.ok()) << applied.error().ToString();
  }

 private:
  std::string Text(const People& people, std::uint64_t serial) const {
    std::string text = people.PolicyText(serial, TableOf(People::Person("carol", 3, "unix:app:9")) +
                                                     TableOf(People::Person("erin", 4, "unix:auditor:10")));
    for (const Asking& one : asking) {
      for (const policy::Operation operation : one.operations) TakeOut(one.role, operation, text);
      text += Grant(one);
    }
    const std::string grant = "[grant.app-all]\n";
    text.insert(text.find(grant) + grant.size(), app_limits);
    return text + more;
  }
  static std::string TableOf(const People::Person& person) {
    const NoteVerifier& key = person.signer.verifier();
    return "[person." + key.name() + "]\nkey = \"" + key.ToText() + "\"\nprincipals = [\"" + person.principal + "\"]\n";
  }
  // Out of the role's grant that asks nobody.
  static void TakeOut(policy::Role role, policy::Operation operation, std::string& text) {
    const std::size_t grant = text.find("[grant." + std::string(policy::RoleName(role)) + "-all]");
    const std::string name = "\"" + std::string(policy::OperationName(operation)) + "\", ";
    const std::size_t at = text.find(name, grant);
    ASSERT_NE(at, std::string::npos);
    text.erase(at, name.size());
  }
  std::string Grant(const Asking& one) const {
    const std::string role(policy::RoleName(one.role));
    std::string operations;
    std::string facets;
    for (const policy::Operation operation : one.operations) {
      operations += "\"" + std::string(policy::OperationName(operation)) + "\", ";
      for (const policy::Facet facet : policy::AllFacets()) {
        const std::string names = facet == policy::Facet::kField ? fields : "\"all\"";
        const std::string line = std::string(policy::FacetKey(facet)) + " = " + names + "\n";
        if (policy::HasFacet(operation, facet) && facets.find(line) == std::string::npos) facets += line;
      }
    }
    return "[grant." + role + "-asks]\nroles = [\"" + role + "\"]\noperations = [" + operations + "]\n" + facets +
           "approvals = { " + approvals + ", minutes = 30 }\n";
  }
};

}  // namespace coffer::keysvc
