// Access policy: who may do what, as one closed table of grants and forbids (docs/OPERATIONS.md "Policies").
//
//   serial = 3                                  # rises with every apply, from 1
//   admin_signatures = 2                        # persons who sign a policy that replaces this one; 2 to 16
//   [person.alice]                              # somebody who signs and approves
//   key = "alice+1a2b3c4d+AaB..."               # as `coffer identity new` prints it
//   principals = ["unix:admin:1000"]            # as whom she calls; 1 to 16
//   [grant.orders-app]                          # or [forbid.NAME]; the name is the rule's id in every audit record
//   roles = ["app"]
//   principals = ["spiffe://example.org/role/app/orders"]    # default: whoever has one of the roles
//   operations = ["EncryptFields", "DecryptFields"]
//   fields = ["shop.user.email"]                # "all", or exact names; no patterns
//   classes = "all"
//   keyrings = "all"
//   tenants = ["default"]
//   purposes = ["checkout"]                     # that the caller has to claim; default: any, or none
//   not_before = 2027-01-01T00:00:00Z           # from then on
//   not_after = 2027-07-01T00:00:00Z            # and until then
//   limits = { values_per_minute = 6000, distinct_per_day = 100000, in_flight = 16 }   # of each principal
//   approvals = { count = 1, roles = ["admin"], minutes = 30 }        # by other persons of these roles
//   standing = true                             # instead of approvals: for unattended work, narrow in every facet
//   [recovered.orders]                          # names that count as another one, after a recovery
//   of = "spiffe://example.org/role/app/orders"
//   as = ["spiffe://example.org/role/app/orders-2"]          # 1 to 16, other in their last part only
//   [break_glass]                               # kept for an emergency; with the keys of a grant but the times,
//   key = "glass+5e6f7a8b+AcD..."               # purposes and approvals; principals are required
//   minutes = 30                                # 1 to 60, the default
//
// Denied is what no grant allows, and what a forbid matches whatever allows it. A facet (fields, classes, keyrings,
// tenants) must be written when an operation of the rule has it, and may be narrowed only when all of them have it. A
// grant without approvals must not reach what another one asks approvals for, unless it is standing.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "crypto/note_key.h"
#include "policy/declaration.h"
#include "policy/principal.h"

namespace coffer::policy {

inline constexpr std::size_t kMaxPolicyBytes = 256 * 1024;
inline constexpr std::size_t kMaxPersons = 256;
inline constexpr std::size_t kMaxPersonPrincipals = 16;
inline constexpr std::size_t kMaxAccessRules = 512;
inline constexpr std::size_t kMaxScopeNames = 1'024;  // in one list
inline constexpr std::uint32_t kLeastAdminSignatures = 2;
inline constexpr std::uint32_t kMostAdminSignatures = 16;
inline constexpr std::uint32_t kMostApprovals = 8;
inline constexpr std::uint32_t kMaxApprovalMinutes = 60;
inline constexpr std::int64_t kMostOfALimit = 1'000'000'000;
inline constexpr std::size_t kMaxRecovered = 16;                     // names of one principal
inline constexpr std::size_t kMaxIssuedGrantBytes = 16 * 1024;       // of its text
inline constexpr std::size_t kMaxIssuedGrants = 64;                  // at once
inline constexpr std::int64_t kMaxIssuedGrantLife = 30 * 24 * 3600;  // seconds
inline constexpr std::string_view kIssuedGrantPrefix = "issued-";    // of its name; no policy file has such names
inline constexpr std::string_view kBreakGlassRule = "break-glass";   // the rule's id; no policy file has it

// Exact names, or whatever there is.
struct NameScope {
  bool all = false;
  std::set<std::string, std::less<>> names = {};
  bool operator==(const NameScope&) const = default;
};

// Of one principal, under all grants together; nothing: no limit.
struct AccessLimits {
  std::optional<std::int64_t> values_per_minute;
  std::optional<std::int64_t> distinct_per_day;  // rows, or secrets, whose value was given out
  std::optional<std::int64_t> in_flight;         // calls
  bool operator==(const AccessLimits&) const = default;
};

// The greater of each kind, and the smaller.
AccessLimits WidestOf(const AccessLimits& a, const AccessLimits& b);
AccessLimits NarrowestOf(const AccessLimits& a, const AccessLimits& b);

struct ApprovalRule {
  std::uint32_t count = 0;  // 1 to kMostApprovals
  std::set<Role> roles;     // not empty; of those that MayApprove
  std::uint32_t minutes = kMaxApprovalMinutes;
  bool operator==(const ApprovalRule&) const = default;
};

// One line of the table.
struct AccessRule {
  enum class Effect : std::uint8_t { kForbid, kGrant };
  Effect effect = Effect::kForbid;
  std::string id;  // a slug
  std::set<Role> roles;
  std::set<std::string, std::less<>> principals;  // empty: whoever has one of the roles
  OperationSet operations;
  NameScope fields = {.all = true};
  NameScope keyrings = {.all = true};
  NameScope tenants = {.all = true};
  std::optional<std::set<FieldClass>> classes;    // nothing: all
  std::set<std::string, std::less<>> purposes;    // empty: any, or none
  std::optional<std::int64_t> not_before_unix_s;  // matches from then on
  std::optional<std::int64_t> not_after_unix_s;   // and before then
  AccessLimits limits;                            // of a grant
  std::optional<ApprovalRule> approvals;          // of a grant
  bool standing = false;                          // a grant for unattended work, which nobody approves each time
  std::uint64_t line = 0;                         // where it stands in the file; 0: built in
};

// Places in a policy's rules(), ascending.
using RulePlaces = std::vector<std::uint16_t>;

struct Person {
  std::string name;  // a slug
  NoteVerifier key;
  std::set<std::string, std::less<>> principals;  // not empty
  std::set<Role> roles;                           // of these principals

  // One of these roles, at least.
  bool HasOneOf(const std::set<Role>& wanted) const;
  // Calls as one whom HolderOf gives this for, in whatever role.
  bool IsHolder(std::string_view holder) const;
};

// What the policy keeps for an emergency: off until somebody shows a statement that the offline key has signed
// (signed_statements.h), and then on for `minutes` at most.
struct BreakGlass {
  NoteVerifier key;  // nobody's of the persons
  AccessRule rule;   // a grant with the id kBreakGlassRule and exact principals
  std::uint32_t minutes = kMaxApprovalMinutes;
};

// What is asked, as far as it is known. The texts must outlive it.
struct Act {
  Role role = Role::kApp;
  std::string_view principal = {};
  Operation operation = Operation::kShowStatus;
  // Nothing: the operation is about none, or it is not known which. Then a grant that is narrowed does not match, and a
  // forbid does.
  std::optional<std::string_view> field = {};
  std::optional<FieldClass> field_class = {};
  std::optional<std::string_view> keyring = {};
  std::optional<std::string_view> tenant = {};
  std::string_view purpose = {};  // as claimed; empty: none
  std::int64_t now_unix_s = 0;
  // Persons who approved exactly this act, by name.
  std::span<const std::string_view> approved_by = {};
};

enum class Outcome : std::uint8_t { kDenied, kNeedsApproval, kAllowed };
// "needs-approval" and back.
std::string_view OutcomeName(Outcome outcome);
std::optional<Outcome> ParseOutcome(std::string_view text);

// Its views live as long as the policy.
struct Decision {
  Outcome outcome = Outcome::kDenied;
  std::string_view rule;                    // which decided
  std::string_view reason;                  // in words
  const ApprovalRule* approvals = nullptr;  // what is still asked for; set only when approvals are
  AccessLimits limits;                      // when allowed: of the grants that allow it, the widest of each kind
};

// Immutable and thread-safe.
class AccessPolicy {
 public:
  // What holds until a policy is applied: every role may what it may ever, in every scope; acts that ask a second
  // person are refused, since nobody is known who could be one. Its serial is 0.
  static AccessPolicy Builtin();
  // kInvalidArgument with key and line: a broken form or limit; a rule that allows what its role may never have; an act
  // of two without approvals, or with more than there are persons to give; a person whose roles do not go together.
  static Result<AccessPolicy> Parse(std::string_view text);

  // This policy and `grants` beside its rules: issued ones (ParseIssuedGrant), or its BreakGlass::rule in use, which
  // may reach what another grant asks approvals for. kInvalidArgument At the grant: two have one name, or it says what
  // a policy may not.
  Result<AccessPolicy> With(const std::vector<AccessRule>& grants) const;
  // The one grant that `text` holds, as a policy file writes it: of principals that it names, ending within
  // kMaxIssuedGrantLife of `now_unix_s`, not about acts that need a second person. Recovered names are not added to its
  // principals. kInvalidArgument with key and line.
  Result<AccessRule> ParseIssuedGrant(std::string_view text, std::int64_t now_unix_s) const;

  // Pure. Whatever one grant allows is allowed; of several, the first by id of those that ask for the fewest approvals
  // is named. Another grant never takes anything away, and no name decides anything.
  Decision Decide(const Act& act) const;
  // The same for whether it may be allowed at all, whatever the scope, the purpose and the hour: what is known before a
  // request is read.
  Decision DecideBeforehand(Role role, std::string_view principal, Operation operation) const;

  // Whose principal it is, or would be: a user or name that a person has in one role is that person in all. Null:
  // nobody's.
  const Person* PersonOf(std::string_view principal) const;
  const Person* FindPerson(std::string_view name) const;

  std::uint64_t serial() const { return serial_; }
  std::uint32_t admin_signatures() const { return admin_signatures_; }
  const std::vector<Person>& persons() const { return persons_; }  // by name
  // Nothing: the policy keeps nothing for emergencies.
  const std::optional<BreakGlass>& break_glass() const { return break_glass_; }
  // Forbids, then grants by the approvals that they ask for; then by id.
  const std::vector<AccessRule>& rules() const { return rules_; }
  // The places in rules(), in its order, of those that are about the role and the operation.
  const RulePlaces& RulesFor(Role role, Operation operation) const {
    return places_[static_cast<std::size_t>(role)][static_cast<std::size_t>(operation)];
  }

 private:
  AccessPolicy() = default;
  // Sorts rules_ and fills places_.
  void Index();

  std::uint64_t serial_ = 0;
  std::uint32_t admin_signatures_ = 0;
  std::vector<Person> persons_;
  std::vector<AccessRule> rules_;
  std::optional<BreakGlass> break_glass_;
  std::array<std::array<RulePlaces, kOperationCount>, kRoleCount> places_;  // RulesFor
};

// The roles of persons that hold both would make one of them worthless.
bool GoTogether(Role a, Role b);

// How a rule and an act meet, for whoever explains a decision.
enum class Mismatch : std::uint8_t {
  kNone,
  kRole,
  kPrincipal,
  kOperation,
  kField,
  kClass,
  kKeyring,
  kTenant,
  kPurpose,
  kNotYet,
  kNoMore,
};
Mismatch Match(const AccessRule& rule, const Act& act);
// "names other fields".
std::string_view MismatchSentence(Mismatch mismatch);

}  // namespace coffer::policy
