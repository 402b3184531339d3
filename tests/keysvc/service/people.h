// People: alice and bob, two administrators with signing keys, and a policy that allows each role what it may ever, and
// what others have to approve with the approval of one administrator. For emergencies carol, an auditor, and the key
// that is kept offline; the policy has them when it is asked to.
#pragma once

#include <gtest/gtest.h>

#include "keysvc/service/access_service.h"
#include "policy/signed_statements.h"

namespace coffer::keysvc {

class People {
 public:
  // A person's key is made of one byte.
  struct Person {
    Person(const std::string& name, std::uint8_t seed, std::string as)
        : principal(std::move(as)),
          signer(NoteSigner::Create(
                     name, Ed25519PrivateKey::FromSeed(SecretBytes::CopyOf(Bytes(32, std::byte{seed}))).value())
                     .value()) {}
    std::string principal;
    NoteSigner signer;

    // A note's line over the text.
    std::string Line(const std::string& text) const { return signer.Sign(text)->ToLine(); }
    Caller AsCaller() const { return {.principal = {.id = principal, .role = policy::Role::kAdmin}, .local = true}; }
  };

  explicit People(std::string alice_as = "unix:admin:7") : alice("alice", 1, std::move(alice_as)) {}

  const Person alice;
  const Person bob{"bob", 2, "unix:admin:8"};
  const Person carol{"carol", 3, "unix:auditor:9"};
  const Person offline{"safe", 4, ""};

  static std::string PersonText(const Person& person) {
    const NoteVerifier& key = person.signer.verifier();
    return "[person." + key.name() + "]\nkey = \"" + key.ToText() + "\"\nprincipals = [\"" + person.principal + "\"]\n";
  }
  // `body`: the table without its key.
  std::string BreakGlassText(const std::string& body) const {
    return "[break_glass]\nkey = \"" + offline.signer.verifier().ToText() + "\"\n" + body;
  }

  // The policy's text; `more` stands at its end.
  std::string PolicyText(std::uint64_t serial = 1, const std::string& more = "") const {
    std::string text = "serial = " + std::to_string(serial) + "\nadmin_signatures = 2\n";
    for (const Person* person : {&alice, &bob}) text += PersonText(*person);
    for (const policy::Role role : policy::AllRoles()) {
      text += Grant(role, false) + Grant(role, true);
    }
    return text + more;
  }

  std::string Signatures(StoreUuid store, const std::string& text, std::uint64_t serial) const {
    const std::string statement = policy::PolicyStatement::Of(store, serial, text).ToText();
    return alice.Line(statement) + bob.Line(statement);
  }

  // Applies PolicyText, signed by both.
  Status TryApply(const AccessService& access, StoreUuid store, std::uint64_t serial = 1,
                  const std::string& more = "") const {
    const std::string text = PolicyText(serial, more);
    COFFER_TRY(access.ApplyPolicy(
        alice.AsCaller(), {.policy = text, .signatures = Signatures(store, text, serial), .recovery = std::nullopt}));
    return {};
  }
  // The same; the test fails when it is refused.
  void Apply(const AccessService& access, StoreUuid store, std::uint64_t serial = 1,
             const std::string& more = "") const {
    const Status applied = TryApply(access, store, serial, more);
    ASSERT_TRUE(applied.ok()) << applied.error().ToString();
  }

  // The id of what `act(const Caller&)` asked for, with `caller` asking; empty, and the test fails, when it did not.
  template <typename Act>
  static std::string Ask(Caller caller, const Act& act, const std::string& reason = "a test") {
    caller.approval = {.reason = reason, .id = {}};
    const auto asked = act(caller);
    EXPECT_FALSE(asked.ok()) << "was done, though it was only asked for";
    if (asked.ok()) return {};
    EXPECT_EQ(asked.error().code(), ErrorCode::kFailedPrecondition) << asked.error().ToString();
    const std::string prefix = "approval ";
    EXPECT_EQ(asked.error().path().substr(0, prefix.size()), prefix) << asked.error().ToString();
    return asked.error().path().substr(std::min(prefix.size(), asked.error().path().size()));
  }

  // Signs what waits under the id, as `person`.
  Status Approve(const AccessService& access, const Person& person, const std::string& id) const {
    COFFER_ASSIGN_OR_RETURN(const std::vector<PendingApproval> list, access.ListApprovals(person.AsCaller()));
    for (const PendingApproval& pending : list) {
      if (pending.statement.id.ToText() != id) continue;
      COFFER_TRY(access.Approve(person.AsCaller(), id, person.Line(pending.text)));
      return {};
    }
    return Error(ErrorCode::kNotFound, "no such approval");
  }

  // Asks as `caller`, has bob approve, and does it.
  template <typename Act>
  auto Approved(const AccessService& access, Caller caller, const Act& act,
                const std::string& reason = "a test") const {
    const std::string id = Ask(caller, act, reason);
    const Status approved = Approve(access, bob, id);
    EXPECT_TRUE(approved.ok()) << approved.error().ToString();
    caller.approval = {.reason = {}, .id = id};
    return act(caller);
  }

 private:
  // What the role may: alone, or with approval.
  static std::string Grant(policy::Role role, bool approved) {
    std::string operations;
    std::string facets;
    for (const policy::Operation operation : policy::AllOperations()) {
      if (!policy::MayEver(role, operation).allowed || policy::IsDecidedByRole(operation)) continue;
      if (policy::NeedsSecondPerson(operation) != approved) continue;
      operations += "\"" + std::string(policy::OperationName(operation)) + "\", ";
      for (const policy::Facet facet : policy::AllFacets()) {
        const std::string line = std::string(policy::FacetKey(facet)) + " = \"all\"\n";
        if (policy::HasFacet(operation, facet) && facets.find(line) == std::string::npos) facets += line;
      }
    }
    if (operations.empty()) return {};
    const std::string name(policy::RoleName(role));
    return "[grant." + name + (approved ? "-approved" : "-all") + "]\nroles = [\"" + name + "\"]\noperations = [" +
           operations + "]\n" + facets +
           (approved ? "approvals = { count = 1, roles = [\"admin\"], minutes = 30 }\n" : "");
  }
};

}  // namespace coffer::keysvc
