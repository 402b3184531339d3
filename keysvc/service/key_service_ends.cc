// The part of KeyService that ends keys, and the census that lets it.
#include "keysvc/service/named_mutation.h"
#include "policy/declaration.h"

namespace coffer::keysvc {
namespace {

Status CheckReason(const DestroyRequest& request) {
  if (request.reason.empty() || policy::IsReason(request.reason)) return {};
  return Error(ErrorCode::kInvalidArgument, "must be at most 200 characters that all show")
      .At("reason")
      .WithLimit(policy::kMaxReason);
}

// What both kinds of destruction ask for.
void AddOrder(const DestroyRequest& request, policy::ActFacts& facts) {
  facts.Add("delay-us", static_cast<std::uint64_t>(request.delay_us));
  if (!request.reason.empty()) facts.Add("because", request.reason);
}

DestroyOrder OrderOf(const DestroyRequest& request, const CallRecord& record, const std::string& approved_reason) {
  return {.by = record.principal,
          .reason = request.reason.empty() ? approved_reason : request.reason,
          .delay_us = request.delay_us};
}

std::string_view StateName(VersionState state) {
  switch (state) {
    case VersionState::kEnabled:
      return "enabled";
    case VersionState::kDisabled:
      return "disabled";
    case VersionState::kDestroyScheduled:
      return "destroy-scheduled";
    case VersionState::kDestroyed:
      return "destroyed";
  }
  return "?";
}

// What cannot be done is not asked of others.
Result<policy::ActFacts> FactsOfVersion(const Unsealed& unsealed, const DestroyRequest& request) {
  COFFER_TRY(unsealed.keys->CheckDestroy(request.name, request.version, request.delay_us, request.no_sources));
  if (unsealed.catalogs->view()->HasIndexUnder(request.name, request.version)) {
    return Error(ErrorCode::kFailedPrecondition,
                 "a live index of a catalog is made under the version: end its rotation first")
        .At("version");
  }
  COFFER_ASSIGN_OR_RETURN(const KeyringView view, unsealed.keys->GetKeyring(request.name));
  policy::ActFacts facts;
  facts.Add("keyring", request.name).Add("keyring-uuid", view.keyring.uuid.ToText());
  facts.Add("version", request.version.value);
  for (const KeyringView::VersionView& version : view.versions) {
    if (version.version.version != request.version) continue;
    facts.Add("state", StateName(version.version.state)).Add("data-keys", version.data_keys);
  }
  facts.Add("without-census-sources", request.no_sources ? "yes" : "no");
  AddOrder(request, facts);
  return facts;
}

Result<policy::ActFacts> FactsOfTenant(const Unsealed& unsealed, const DestroyRequest& request) {
  COFFER_TRY(unsealed.keys->CheckShred(request.name, request.delay_us));
  COFFER_ASSIGN_OR_RETURN(const TenantView view, unsealed.keys->GetTenant(request.name));
  policy::ActFacts facts;
  facts.Add("tenant", request.name).Add("tenant-uuid", view.uuid.ToText()).Add("data-keys", view.data_keys);
  AddOrder(request, facts);
  return facts;
}

Result<policy::ActFacts> FactsOfSource(const Unsealed& unsealed, const std::string& name) {
  COFFER_TRY(unsealed.keys->CheckRemoveCensusSource(name));
  policy::ActFacts facts;
  facts.Add("source", name);
  for (const CensusSourceView& view : unsealed.keys->ListCensusSources()) {
    if (view.source.name == name) facts.Add("values", view.values);
  }
  return facts;
}

}  // namespace

Result<KeyringView> KeyService::ScheduleDestroy(const Caller& caller, const DestroyRequest& request) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<KeyringView> {
    COFFER_TRY(CheckReason(request));
    COFFER_ASSIGN_OR_RETURN(const std::string reason,
                            AuthoriseApproved(unsealed, record, record.operation, {.keyring = request.name},
                                              [&] { return FactsOfVersion(unsealed, request); }));
    return unsealed.keys->ScheduleDestroy(request.name, request.version, OrderOf(request, record, reason),
                                          request.no_sources);
  };
  return pipeline_.Mutate(caller, policy::Operation::kScheduleDestroy, act, Subject::Named(request.name));
}

Result<KeyringView> KeyService::CancelDestroy(const Caller& caller, const std::string& name, KeyVersion version) const {
  return MutateNamed(pipeline_, caller, policy::Operation::kCancelDestroy, name,
                     [&](KeyEngine& keys) { return keys.CancelDestroy(name, version); });
}

Result<TenantView> KeyService::ShredTenant(const Caller& caller, const DestroyRequest& request) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<TenantView> {
    COFFER_TRY(CheckReason(request));
    COFFER_ASSIGN_OR_RETURN(const std::string reason,
                            AuthoriseApproved(unsealed, record, record.operation, {.tenant = request.name},
                                              [&] { return FactsOfTenant(unsealed, request); }));
    return unsealed.keys->ShredTenant(request.name, OrderOf(request, record, reason));
  };
  return pipeline_.Mutate(caller, policy::Operation::kShredTenant, act, Subject::Named(request.name));
}

Result<TenantView> KeyService::CancelShredTenant(const Caller& caller, const std::string& name) const {
  return MutateNamed(pipeline_, caller, policy::Operation::kCancelShredTenant, name,
                     [&](KeyEngine& keys) { return keys.CancelShredTenant(name); });
}

Result<CensusSourceView> KeyService::RegisterCensusSource(const Caller& caller, const std::string& name,
                                                          std::int64_t max_age_us) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) {
    return unsealed.keys->RegisterCensusSource(name, max_age_us, record.principal);
  };
  return pipeline_.Mutate(caller, policy::Operation::kRegisterCensusSource, act, Subject::Named(name));
}

Result<bool> KeyService::RemoveCensusSource(const Caller& caller, const std::string& name) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<bool> {
    COFFER_TRY(
        AuthoriseApproved(unsealed, record, record.operation, {}, [&] { return FactsOfSource(unsealed, name); }));
    COFFER_TRY(unsealed.keys->RemoveCensusSource(name));
    return true;
  };
  return pipeline_.Mutate(caller, policy::Operation::kRemoveCensusSource, act, Subject::Named(name));
}

Result<std::vector<CensusSourceView>> KeyService::ListCensusSources(const Caller& caller) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<std::vector<CensusSourceView>> {
    std::vector<CensusSourceView> sources = unsealed.keys->ListCensusSources();
    record.items = sources.size();
    return sources;
  };
  return pipeline_.Read(caller, policy::Operation::kListCensusSources, act);
}

Result<CensusSourceView> KeyService::ReportCensus(const Caller& caller, const CensusReport& report) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) {
    record.items = report.counts.size();
    return unsealed.keys->ReportCensus(report.source, report.as_of_us, report.counts, record.principal);
  };
  return pipeline_.Mutate(caller, policy::Operation::kReportCensus, act, Subject::Named(report.source));
}

Result<KeyringCensus> KeyService::GetCensus(const Caller& caller, const std::string& keyring) const {
  const auto act = [&](Unsealed& unsealed, CallRecord&) { return unsealed.keys->GetCensus(keyring); };
  return pipeline_.Read(caller, policy::Operation::kGetCensus, act, Subject::Named(keyring));
}

}  // namespace coffer::keysvc
