// Authorisation: the policy's decision on one act, once it is known what the act is about. The pipeline has decided
// what is known before: whether the caller may do such a thing at all.
#pragma once

#include <functional>

#include "keysvc/service/barrier.h"
#include "keysvc/service/call.h"
#include "policy/signed_statements.h"

namespace coffer::keysvc {

// What an act is about, as far as rules can narrow it. The texts must outlive it.
struct ActScope {
  std::optional<std::string_view> field = {};
  std::optional<policy::FieldClass> field_class = {};
  std::optional<std::string_view> keyring = {};
  std::optional<std::string_view> tenant = {};

  // The one name that the operation is about: a keyring, a tenant, or nothing that rules narrow.
  static ActScope Named(policy::Operation operation, std::string_view name);
  // Empty: the tenant "default".
  static ActScope OfTenant(std::string_view tenant);
  static ActScope OfField(const policy::FieldRule& field, std::string_view tenant);
};

// Whether others have to approve the act, whatever it is about; for one that rules do not narrow.
bool AsksOthers(const CallRecord& record);

// Decides, and notes the decision in the record. kPermissionDenied, with the rule; kResourceExhausted when the
// principal has as many calls in flight as it may; kFailedPrecondition when the policy asks approvals, as of
// AuthoriseApproved: then what is approved is this request, whatever is in it, as far as it is about this scope. For
// the act of a call with several parts it is asked for each: what one refuses is refused, the narrowest limits count,
// and approvals can be used for one part.
Status Authorise(CallRecord& record, const ActScope& scope);

// Who asks others for approval expects that nothing is done yet. kFailedPrecondition for a mutation that is allowed
// without; a read gives what it would have given anyway.
Status CheckNothingAsked(const CallRecord& record);

// Takes so many values of what the principal may have in a minute, all or nothing; to be called once in an act, with
// all of its values. An act that is done again takes only what is more than the last time. kResourceExhausted.
Status SpendValues(CallRecord& record, std::uint64_t values);
// The same for rows, or secrets, that the principal had not had today.
Status SpendRows(CallRecord& record, std::span<const Fingerprint> rows);

// Whether it is allowed to do something else as well; then its limits count too.
bool MayAlso(CallRecord& record, policy::Operation operation, const ActScope& scope);

// For a mutation that was decided by another policy than the one that holds.
Error PolicyChanged();

// What exactly is to be done; asked for once the policy has not refused it.
using ActFactsMaker = std::function<Result<policy::ActFacts>()>;

// For acts that others have to approve (policy::NeedsSecondPerson), `operation` being the record's or a graver one;
// then both have to be allowed by the same approvals. Ok, with the requester's reason: it is approved, and the approval
// is used up: act now. kFailedPrecondition: approval is missing; or, with record.asked, it was asked for.
// kPermissionDenied, kNotFound and others as of Approvals.
Result<std::string> AuthoriseApproved(Unsealed& unsealed, CallRecord& record, policy::Operation operation,
                                      const ActScope& scope, const ActFactsMaker& facts_of);

// For one that says what would be done and changes nothing: nobody has to approve it.
Status AuthoriseDryRun(CallRecord& record);

// The same refusals as of AuthoriseApproved that need no facts: before something is read for them.
Status CheckAsked(CallRecord& record, policy::Operation operation, const ActScope& scope);

}  // namespace coffer::keysvc
