// coffer tenant: whose values they are, and the end of them.
#include "cli/commands.h"
#include "cli/destroy_options.h"
#include "cli/key_texts.h"
#include "cli/pages.h"
#include "cli/times.h"

namespace coffer::cli {
namespace {

using TenantAct = Outcome<int> (*)(Session&, const DestroyOptions&);

Outcome<int> PrintTenant(const Session& session, const client::RpcResult<v1::Tenant>& tenant) {
  if (!tenant.ok()) return tenant.error();
  if (!session.json()) {
    COFFER_TRY(Print(TenantText(*tenant)));
    return kExitOk;
  }
  Json json = TenantJson(*tenant);
  json["data_keys"] = tenant->data_keys();
  COFFER_TRY(PrintJson(json));
  return kExitOk;
}

Outcome<int> Add(Session& session, const DestroyOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::CreateTenantRequest request;
  request.set_name(options.name);
  COFFER_ASSIGN_OR_RETURN(const auto tenant, client->CreateTenant(request));
  COFFER_TRY(session.json() ? PrintJson(TenantJson(tenant))
                            : Print("tenant " + tenant.name() + " " + tenant.uuid() + "\n"));
  return kExitOk;
}

Outcome<int> Show(Session& session, const DestroyOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::GetTenantRequest request;
  request.set_name(options.name);
  return PrintTenant(session, client->GetTenant(request));
}

Outcome<int> Destroy(Session& session, const DestroyOptions& options) {
  v1::ShredTenantRequest request;
  COFFER_TRY(SetOrder(options, request));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  return PrintTenant(session, client->ShredTenant(request));
}

Outcome<int> CancelDestroy(Session& session, const DestroyOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::CancelShredTenantRequest request;
  request.set_name(options.name);
  return PrintTenant(session, client->CancelShredTenant(request));
}

Outcome<int> List(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  Json list = Json::array();
  Table table({"TENANT", "UUID", "CREATED", "STATE"});
  const auto take = [&list, &table](const v1::ListTenantsResponse& page) {
    for (const v1::Tenant& tenant : page.tenants()) {
      list.push_back(TenantJson(tenant));
      table.Add({tenant.name(), tenant.uuid(), FormatTime(tenant.created_us()),
                 std::string(TenantStateName(tenant.state()))});
    }
  };
  COFFER_TRY(ForEachPage(*client, &client::Client::ListTenants, v1::ListTenantsRequest(), take));
  COFFER_TRY(session.json() ? PrintJson({{"tenants", list}}) : Print(table.ToText()));
  return kExitOk;
}

CLI::App& AddTenantCommand(CommandTree& tree, CLI::App& group, const std::string& name, const std::string& description,
                           const std::string& examples, const std::shared_ptr<DestroyOptions>& options, TenantAct act) {
  CLI::App& command = tree.AddCommand(group, name, description, examples,
                                      [options, act](Session& session) { return act(session, *options); });
  command.add_option("name", options->name, "Its name")->type_name("NAME")->required()->check(IsName());
  return command;
}

}  // namespace

void AddTenantCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("tenant", "Tenants: whose values they are");
  const auto options = [] { return std::make_shared<DestroyOptions>(); };
  AddTenantCommand(tree, group, "add", "Register a tenant; its name is never used again", "  coffer tenant add acme",
                   options(), Add);
  tree.AddCommand(group, "list", "All tenants", "  coffer tenant list --output json", List);
  AddTenantCommand(tree, group, "show", "One tenant: its state, and when its end is final",
                   "  coffer tenant show acme --role auditor", options(), Show);
  auto destroying = options();
  CLI::App& destroy =
      AddTenantCommand(tree, group, "destroy", "Refuse a tenant now, and erase all of its keys after a delay",
                       "  coffer tenant destroy acme --ask 'contract ended, ticket 4711'\n"
                       "  coffer tenant destroy acme --delay 30d --ask 'contract ended'",
                       destroying, Destroy);
  AddDestroyOptions(destroy, *destroying);
  tree.AddApprovalOptions(destroy);
  AddTenantCommand(tree, group, "cancel-destroy", "Bring a tenant back that is scheduled for destruction",
                   "  coffer tenant cancel-destroy acme", options(), CancelDestroy);
}

}  // namespace coffer::cli
