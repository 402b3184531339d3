#include "keysvc/rpc/key_door.h"

namespace coffer::keysvc {
namespace {

Result<KeyringPurpose> PurposeOf(v1::KeyringPurpose purpose) {
  switch (purpose) {
    case v1::KEYRING_PURPOSE_UNSPECIFIED:
    case v1::KEYRING_PURPOSE_ENCRYPT:
      return KeyringPurpose::kEncrypt;
    case v1::KEYRING_PURPOSE_DETERMINISTIC:
      return KeyringPurpose::kDeterministic;
    case v1::KEYRING_PURPOSE_INDEX:
      return KeyringPurpose::kIndex;
    default:
      return Error(ErrorCode::kInvalidArgument, "is not a purpose that a keyring can have").At("purpose");
  }
}

v1::KeyringPurpose PurposeOf(KeyringPurpose purpose) {
  switch (purpose) {
    case KeyringPurpose::kEncrypt:
      return v1::KEYRING_PURPOSE_ENCRYPT;
    case KeyringPurpose::kDeterministic:
      return v1::KEYRING_PURPOSE_DETERMINISTIC;
    case KeyringPurpose::kIndex:
      return v1::KEYRING_PURPOSE_INDEX;
  }
  return v1::KEYRING_PURPOSE_UNSPECIFIED;
}

v1::KeyVersionState StateOf(VersionState state) {
  switch (state) {
    case VersionState::kEnabled:
      return v1::KEY_VERSION_STATE_ENABLED;
    case VersionState::kDisabled:
      return v1::KEY_VERSION_STATE_DISABLED;
    case VersionState::kDestroyScheduled:
    case VersionState::kDestroyed:
      break;
  }
  return v1::KEY_VERSION_STATE_UNSPECIFIED;
}

void FillKeyringHead(const Keyring& keyring, v1::Keyring& message) {
  message.set_name(keyring.name);
  message.set_uuid(keyring.uuid.ToText());
  message.set_purpose(PurposeOf(keyring.purpose));
  message.set_primary_version(keyring.primary.value);
  message.set_created_us(keyring.created_us);
}

void FillKeyring(const KeyringView& view, v1::Keyring& message) {
  FillKeyringHead(view.keyring, message);
  for (const KeyringView::VersionView& version : view.versions) {
    v1::KeyVersion* added = message.add_versions();
    added->set_version(version.version.version.value);
    added->set_state(StateOf(version.version.state));
    added->set_created_us(version.version.created_us);
    added->set_changed_us(version.version.changed_us);
    added->set_data_keys(version.data_keys);
  }
}

void FillTenant(const Tenant& tenant, v1::Tenant& message) {
  message.set_name(tenant.name);
  message.set_uuid(tenant.uuid.ToText());
  message.set_created_us(tenant.created_us);
}

}  // namespace

grpc::ServerUnaryReactor* KeyDoor::CreateKeyring(grpc::CallbackServerContext* context,
                                                 const v1::CreateKeyringRequest* request, v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) -> Result<KeyringView> {
    const Result<KeyringPurpose> purpose = PurposeOf(request->purpose());
    if (!purpose.ok()) return service_.Reject(caller, policy::Operation::kCreateKeyring, purpose.error());
    return service_.CreateKeyring(caller, request->name(), *purpose);
  };
  return AnswerWith(context, context_, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::GetKeyring(grpc::CallbackServerContext* context,
                                              const v1::GetKeyringRequest* request, v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) { return service_.GetKeyring(caller, request->name()); };
  return AnswerWith(context, context_, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::ListKeyrings(grpc::CallbackServerContext* context,
                                                const v1::ListKeyringsRequest* request,
                                                v1::ListKeyringsResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.ListKeyrings(caller, request->page_size(), request->page_token());
  };
  return AnswerWith(context, context_, response, act,
                    [](const KeyService::Page<Keyring>& page, v1::ListKeyringsResponse& message) {
                      for (const Keyring& keyring : page.items) FillKeyringHead(keyring, *message.add_keyrings());
                      message.set_next_page_token(page.next);
                    });
}

grpc::ServerUnaryReactor* KeyDoor::RotateKeyring(grpc::CallbackServerContext* context,
                                                 const v1::RotateKeyringRequest* request, v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.RotateKeyring(caller, request->name(), KeyVersion{request->expected_primary_version()});
  };
  return AnswerWith(context, context_, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::DisableKeyVersion(grpc::CallbackServerContext* context,
                                                     const v1::DisableKeyVersionRequest* request,
                                                     v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.DisableVersion(caller, request->name(), KeyVersion{request->version()});
  };
  return AnswerWith(context, context_, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::EnableKeyVersion(grpc::CallbackServerContext* context,
                                                    const v1::EnableKeyVersionRequest* request, v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.EnableVersion(caller, request->name(), KeyVersion{request->version()});
  };
  return AnswerWith(context, context_, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::CreateTenant(grpc::CallbackServerContext* context,
                                                const v1::CreateTenantRequest* request, v1::Tenant* response) {
  const auto act = [this, request](const Caller& caller) { return service_.CreateTenant(caller, request->name()); };
  return AnswerWith(context, context_, response, act, FillTenant);
}

grpc::ServerUnaryReactor* KeyDoor::ListTenants(grpc::CallbackServerContext* context,
                                               const v1::ListTenantsRequest* request,
                                               v1::ListTenantsResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.ListTenants(caller, request->page_size(), request->page_token());
  };
  return AnswerWith(context, context_, response, act,
                    [](const KeyService::Page<Tenant>& page, v1::ListTenantsResponse& message) {
                      for (const Tenant& tenant : page.items) FillTenant(tenant, *message.add_tenants());
                      message.set_next_page_token(page.next);
                    });
}

}  // namespace coffer::keysvc
