provider "oci" {
  config_file_profile = var.oci_profile
  region              = var.region
}

locals {
  compartment_id      = var.compartment_ocid == "" ? var.tenancy_ocid : var.compartment_ocid
  availability_domain = data.oci_identity_availability_domains.here.availability_domains[var.availability_domain - 1].name
  shape               = "VM.Standard.A1.Flex"
  tags                = { app = "afk", managed-by = "terraform" }

  # Within one policy a later statement wins over an earlier one, so each family is closed first. Shapes are counted per
  # availability domain and per region; both counts are set, as one that is left out falls back to Oracle's own limit.
  here      = "${var.quota_scope} where request.region = '${var.region}'"
  in_domain = "${var.quota_scope} where request.ad = '${local.availability_domain}'"
  quota_statements = [
    "zero compute-core quotas in ${var.quota_scope}",
    "set compute-core quota standard-a1-core-count to 2 in ${local.in_domain}",
    "set compute-core quota standard-a1-core-regional-count to 2 in ${local.here}",
    "set compute-core quota standard-e2-micro-core-count to 2 in ${local.in_domain}",
    "zero compute-memory quotas in ${var.quota_scope}",
    "set compute-memory quota standard-a1-memory-count to 12 in ${local.in_domain}",
    "set compute-memory quota standard-a1-memory-regional-count to 12 in ${local.here}",
    "zero block-storage quota total-storage-gb in ${var.quota_scope}",
    "set block-storage quota total-storage-gb to 200 in ${local.in_domain}",
    "set block-storage quota backup-count to 5 in ${var.quota_scope}",
    "zero load-balancer quotas in ${var.quota_scope}",
    "zero database quotas in ${var.quota_scope}",
    "zero filesystem quotas in ${var.quota_scope}",
  ]
}

data "oci_identity_availability_domains" "here" {
  compartment_id = var.tenancy_ocid

  lifecycle {
    postcondition {
      condition     = length(self.availability_domains) >= var.availability_domain
      error_message = "The region has fewer availability domains than availability_domain says."
    }
  }
}

data "oci_core_images" "ubuntu" {
  compartment_id           = local.compartment_id
  operating_system         = "Canonical Ubuntu"
  operating_system_version = "24.04"
  shape                    = local.shape
  state                    = "AVAILABLE"
  sort_by                  = "TIMECREATED"
  sort_order               = "DESC"

  # Leaves out the Minimal image, which lacks what cloud-init.yaml builds on.
  filter {
    name   = "display_name"
    values = ["^Canonical-Ubuntu-24\\.04-aarch64-[0-9.-]+$"]
    regex  = true
  }

  lifecycle {
    postcondition {
      condition     = length(self.images) > 0
      error_message = "Oracle lists no image of Ubuntu 24.04 for aarch64 in this region."
    }
  }
}

# --- Network: one subnet, out to everywhere, in from ssh_cidr only --------------------------------

resource "oci_core_vcn" "afk" {
  compartment_id = local.compartment_id
  display_name   = "afk"
  dns_label      = "afk"
  cidr_blocks    = ["10.77.0.0/16"]
  freeform_tags  = local.tags
}

resource "oci_core_internet_gateway" "afk" {
  compartment_id = local.compartment_id
  vcn_id         = oci_core_vcn.afk.id
  display_name   = "afk"
  freeform_tags  = local.tags
}

resource "oci_core_route_table" "afk" {
  compartment_id = local.compartment_id
  vcn_id         = oci_core_vcn.afk.id
  display_name   = "afk"
  freeform_tags  = local.tags

  route_rules {
    destination       = "0.0.0.0/0"
    destination_type  = "CIDR_BLOCK"
    network_entity_id = oci_core_internet_gateway.afk.id
  }
}

resource "oci_core_security_list" "afk" {
  compartment_id = local.compartment_id
  vcn_id         = oci_core_vcn.afk.id
  display_name   = "afk"
  freeform_tags  = local.tags

  egress_security_rules {
    description = "Feeds, models, alerts, packages"
    protocol    = "all"
    destination = "0.0.0.0/0"
  }

  ingress_security_rules {
    description = "ssh, from your own addresses"
    protocol    = "6" # TCP
    source      = var.ssh_cidr

    tcp_options {
      min = 22
      max = 22
    }
  }
}

resource "oci_core_subnet" "afk" {
  compartment_id = local.compartment_id
  vcn_id         = oci_core_vcn.afk.id
  display_name   = "afk"
  dns_label      = "afk"
  cidr_block     = "10.77.0.0/24"
  route_table_id = oci_core_route_table.afk.id
  # Named, since a subnet without a list gets the default one, which lets ssh in from everywhere.
  security_list_ids = [oci_core_security_list.afk.id]
  freeform_tags     = local.tags
}

# --- The VM ---------------------------------------------------------------------------------------

resource "oci_core_instance" "afk" {
  compartment_id      = local.compartment_id
  availability_domain = local.availability_domain
  display_name        = "afk"
  shape               = local.shape
  freeform_tags       = local.tags

  shape_config {
    ocpus         = var.ocpus
    memory_in_gbs = var.memory_gb
  }

  source_details {
    source_type             = "image"
    source_id               = data.oci_core_images.ubuntu.images[0].id
    boot_volume_size_in_gbs = var.boot_volume_gb
    # Balanced performance. What is above is billed in a pay-as-you-go account.
    boot_volume_vpus_per_gb = 10
  }

  # A volume that outlives the VM goes on using up the 200 GB. Take a backup before you destroy.
  preserve_boot_volume                = false
  is_pv_encryption_in_transit_enabled = true

  create_vnic_details {
    subnet_id        = oci_core_subnet.afk.id
    display_name     = "afk"
    hostname_label   = "afk"
    assign_public_ip = true
  }

  instance_options {
    are_legacy_imds_endpoints_disabled = true
  }

  agent_config {
    # Monitoring stays: its graphs show how near the VM is to being reclaimed. Management goes: it runs commands as
    # root for whoever holds the account, and ssh is the only way in.
    is_monitoring_disabled = false
    is_management_disabled = true
  }

  metadata = {
    ssh_authorized_keys = trimspace(var.ssh_public_key)
    user_data           = base64encode(local.user_data)
  }

  lifecycle {
    # Each new image of Ubuntu and each change of the user data would replace the VM, with all of afk's state in it.
    ignore_changes = [source_details, metadata]

    precondition {
      condition     = length(base64encode(local.user_data)) + length(var.ssh_public_key) <= 31000
      error_message = "User data and key are too long: Oracle takes 32,000 bytes of metadata in all. Shorten afk_config, or copy it to the VM after the boot."
    }
  }
}

# --- What is not free is refused --------------------------------------------------------------------

resource "oci_limits_quota" "free_only" {
  count = var.quota_scope == "none" ? 0 : 1

  # Quota policies live in the root compartment, whatever they apply to.
  compartment_id = var.tenancy_ocid
  name           = "afk-free-only"
  description    = "Refuses resources beyond Always Free: 2 OCPUs and 12 GB of A1, 200 GB of block storage."
  statements     = local.quota_statements
  freeform_tags  = local.tags
}
