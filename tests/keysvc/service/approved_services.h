// The services whose acts others have to approve, as tests call them that are about something else: each such act of an
// administrator is asked for, approved by bob and done. What is refused beforehand is refused as it is.
#pragma once

#include "keysvc/service/key_service.h"
#include "keysvc/service/secret_service.h"
#include "tests/keysvc/service/people.h"

namespace coffer::keysvc {

// Has the people of one service approve. The policy that names them is applied when it is first needed.
class Approver {
 public:
  Approver(const Pipeline& pipeline, const OperatorService& operators, const Barrier& barrier)
      : access_(pipeline, operators), barrier_(barrier) {}

  template <typename Act>
  auto Through(Caller caller, const Act& act) const -> decltype(act(caller)) {
    const bool own_wish = !caller.approval.reason.empty() || !caller.approval.id.empty();
    if (own_wish || caller.principal.id != people.alice.principal) return act(caller);
    Result<std::shared_ptr<Unsealed>> unsealed = barrier_.Enter();
    if (!unsealed.ok()) return act(caller);
    if ((*unsealed)->policies->view()->serial() == 0) COFFER_TRY(people.TryApply(access_, (*unsealed)->uuid));
    unsealed = Error(ErrorCode::kInternal, "let go of");  // a new root key waits for whoever holds the old one
    caller.approval.reason = "a test";
    decltype(act(caller)) asked = act(caller);
    const std::string prefix = "approval ";
    if (asked.ok() || asked.error().path().substr(0, prefix.size()) != prefix) return asked;
    const std::string id = asked.error().path().substr(prefix.size());
    const Status approved = people.Approve(access_, people.bob, id);
    if (!approved.ok()) return approved.error();
    caller.approval = {.reason = {}, .id = id};
    return act(caller);
  }

  const People people;

 private:
  const AccessService access_;
  const Barrier& barrier_;
};

// `Approver` must outlive them.
class ApprovedKeyService : public KeyService {
 public:
  ApprovedKeyService(const Pipeline& pipeline, const Approver& approver) : KeyService(pipeline), approver_(approver) {}

  Result<KeyringView> ScheduleDestroy(const Caller& caller, const DestroyRequest& request) const {
    return approver_.Through(caller, [&](const Caller& by) { return KeyService::ScheduleDestroy(by, request); });
  }
  Result<TenantView> ShredTenant(const Caller& caller, const DestroyRequest& request) const {
    return approver_.Through(caller, [&](const Caller& by) { return KeyService::ShredTenant(by, request); });
  }
  Result<bool> RemoveCensusSource(const Caller& caller, const std::string& name) const {
    return approver_.Through(caller, [&](const Caller& by) { return KeyService::RemoveCensusSource(by, name); });
  }

 private:
  const Approver& approver_;
};

class ApprovedSecretService : public SecretService {
 public:
  ApprovedSecretService(const Pipeline& pipeline, const Clock& clock, const Approver& approver)
      : SecretService(pipeline, clock), approver_(approver) {}

  Result<std::uint32_t> Destroy(const Caller& caller, const SecretName& name,
                                const std::vector<SecretVersion>& versions) const {
    return approver_.Through(caller, [&](const Caller& by) { return SecretService::Destroy(by, name, versions); });
  }

 private:
  const Approver& approver_;
};

class ApprovedAdminService : public AdminService {
 public:
  ApprovedAdminService(const Pipeline& pipeline, Options options, const Approver& approver)
      : AdminService(pipeline, std::move(options)), approver_(approver) {}

  // What weakens only is asked for.
  Result<policy::CatalogChange> Apply(const Caller& caller, const std::string& catalog, const std::string& lock) const {
    const auto act = [&](const Caller& by) { return AdminService::Apply(by, catalog, lock); };
    const Result<policy::CatalogChange> change = Diff(caller, catalog, lock);
    return change.ok() && change->NeedsSecondPerson() ? approver_.Through(caller, act) : act(caller);
  }

 private:
  const Approver& approver_;
};

class ApprovedOperatorService : public OperatorService {
 public:
  ApprovedOperatorService(const Pipeline& pipeline, const Clock& clock, const Approver& approver)
      : OperatorService(pipeline, clock), approver_(approver) {}

  Result<MadeSlot> AddSlot(const Caller& caller, const WantedSeal& seal, const std::string& label) const {
    return approver_.Through(caller, [&](const Caller& by) { return OperatorService::AddSlot(by, seal, label); });
  }
  Result<bool> RemoveSlot(const Caller& caller, KeyId slot, bool accept_total_loss) const {
    return approver_.Through(
        caller, [&](const Caller& by) { return OperatorService::RemoveSlot(by, slot, accept_total_loss); });
  }
  Result<std::vector<Share>> Rekey(const Caller& caller, const std::vector<NewSeal>& seals) const {
    return approver_.Through(caller, [&](const Caller& by) { return OperatorService::Rekey(by, seals); });
  }
  Result<MergeFacts> Merge(const Caller& caller, const MergeRequest& request) const {
    if (request.options.dry_run) return OperatorService::Merge(caller, request);
    return approver_.Through(caller, [&](const Caller& by) { return OperatorService::Merge(by, request); });
  }

 private:
  const Approver& approver_;
};

}  // namespace coffer::keysvc
