# --- Whose account, and where -------------------------------------------------------------------

variable "tenancy_ocid" {
  type        = string
  description = "OCID of your tenancy (console: Profile, Tenancy)."

  validation {
    condition     = can(regex("^ocid1\\.tenancy\\.[a-z0-9]+\\.[a-z0-9-]*\\.[a-z0-9.]+$", var.tenancy_ocid))
    error_message = "tenancy_ocid must be a tenancy's OCID: ocid1.tenancy.oc1..…"
  }
}

variable "compartment_ocid" {
  type        = string
  default     = ""
  description = "OCID of the compartment that gets the VM and its network. Empty: the tenancy's root compartment."

  validation {
    condition     = var.compartment_ocid == "" || can(regex("^ocid1\\.(compartment|tenancy)\\.[a-z0-9]+\\.[a-z0-9-]*\\.[a-z0-9.]+$", var.compartment_ocid))
    error_message = "compartment_ocid must be empty or a compartment's OCID: ocid1.compartment.oc1..…"
  }
}

variable "region" {
  type        = string
  description = "Your home region, for instance eu-frankfurt-1. Always Free resources exist in the home region only; elsewhere the same VM is billed."

  validation {
    condition     = can(regex("^[a-z]{2,}-[a-z]+-[0-9]+$", var.region))
    error_message = "region must be a region's identifier, for instance eu-frankfurt-1."
  }
}

variable "oci_profile" {
  type        = string
  default     = "DEFAULT"
  description = "Profile in ~/.oci/config, which `oci setup config` writes."
}

variable "availability_domain" {
  type        = number
  default     = 1
  description = "Number of the availability domain, from 1. Answers Oracle with \"Out of host capacity\", try the next one; many regions have only one."

  validation {
    condition     = contains([1, 2, 3], var.availability_domain)
    error_message = "availability_domain must be 1, 2 or 3; no region has more."
  }
}

# --- The machine, within what is free -----------------------------------------------------------

variable "ocpus" {
  type        = number
  default     = 2
  description = "OCPUs of the VM: 1 or 2."

  validation {
    condition     = contains([1, 2], var.ocpus)
    error_message = "ocpus must be 1 or 2. Always Free has 2 OCPUs of VM.Standard.A1.Flex in all since June 2026 (it was 4); more is billed, or terminated in a free account."
  }
}

variable "memory_gb" {
  type        = number
  default     = 12
  description = "Memory of the VM in GB: 2 to 12."

  validation {
    condition     = var.memory_gb >= 2 && var.memory_gb <= 12 && floor(var.memory_gb) == var.memory_gb
    error_message = "memory_gb must be a whole number from 2 to 12. Always Free has 12 GB of VM.Standard.A1.Flex in all since June 2026 (it was 24); more is billed, or terminated in a free account."
  }
}

variable "boot_volume_gb" {
  type        = number
  default     = 50
  description = "Size of the boot volume in GB: 50 to 200."

  validation {
    condition     = var.boot_volume_gb >= 50 && var.boot_volume_gb <= 200 && floor(var.boot_volume_gb) == var.boot_volume_gb
    error_message = "boot_volume_gb must be a whole number from 50 to 200. Oracle makes none smaller than 50 GB, and Always Free has 200 GB of block storage in all, other VMs' boot volumes included; more is billed."
  }
}

variable "quota_scope" {
  type        = string
  default     = "tenancy"
  description = "Where a quota policy refuses what is not free: \"tenancy\", \"compartment NAME\" (or \"compartment PARENT:NAME\"), or \"none\" for no policy. It needs an administrator of the tenancy."

  validation {
    condition     = can(regex("^(none|tenancy|compartment [A-Za-z0-9._-]+(:[A-Za-z0-9._-]+)*)$", var.quota_scope))
    error_message = "quota_scope must be \"tenancy\", \"compartment NAME\" or \"none\"."
  }
}

# --- The way in ---------------------------------------------------------------------------------

variable "ssh_public_key" {
  type        = string
  description = "The public key that may log in as ubuntu: the text of, for instance, ~/.ssh/id_ed25519.pub."

  validation {
    condition     = can(regex("^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\\.com|sk-ecdsa-sha2-nistp256@openssh\\.com) [A-Za-z0-9+/]+=*( [^\\n]*)?\\n?$", var.ssh_public_key))
    error_message = "ssh_public_key must be one line of a public key, such as \"ssh-ed25519 AAAA… you@host\". Never give a private key."
  }
}

variable "ssh_cidr" {
  type        = string
  description = "The only addresses that may reach port 22, as an IPv4 CIDR: your own address with /32, for instance 203.0.113.7/32."

  validation {
    condition     = can(regex("^[0-9]+(\\.[0-9]+){3}/[0-9]+$", var.ssh_cidr)) && can(cidrnetmask(var.ssh_cidr))
    error_message = "ssh_cidr must be an IPv4 CIDR such as 203.0.113.7/32. The VM has no IPv6 address."
  }

  validation {
    # 0.0.0.0/1 and its like would open the port to half of the world, hence a bound rather than one forbidden text.
    condition     = try(tonumber(split("/", var.ssh_cidr)[1]) >= 16, false)
    error_message = "ssh_cidr must not open port 22 to the world: the prefix must be /16 or longer, so 0.0.0.0/0 and ::/0 are refused. Give your own address with /32."
  }
}

# --- What runs on it ----------------------------------------------------------------------------

variable "afk_image" {
  type        = string
  description = "The image of afk that the VM pulls, with a tag or a digest: ghcr.io/OWNER/afk:TAG. It must be public, since user data carries no credentials."

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?@sha256:[0-9a-f]{64})$", var.afk_image))
    error_message = "afk_image must be an image reference with a tag or a digest, such as ghcr.io/OWNER/afk:0.1.0."
  }
}

variable "model" {
  type        = string
  default     = "qwen2.5:3b"
  description = "The model that the Ollama sidecar serves. Empty: no sidecar; then afk.yaml should name no ollama model."

  validation {
    condition     = var.model == "" || can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]*(:[A-Za-z0-9][A-Za-z0-9._-]*)?$", var.model))
    error_message = "model must be empty or a name that Ollama knows, such as qwen2.5:3b."
  }
}

variable "afk_config" {
  type        = string
  default     = "afk.yaml"
  description = "Path of your afk.yaml, from the folder where terraform runs. It becomes part of the user data, so secrets stand in it as $${NAME} only."

  validation {
    condition     = can(file(var.afk_config))
    error_message = "afk_config must be the path of a text file that can be read."
  }

  validation {
    # The patterns have a file of their own, since ./render checks the same ones.
    condition = !anytrue([
      for pattern in compact(split("\n", file("${path.module}/secret-patterns.txt"))) :
      can(regex("(?i)${pattern}", try(file(var.afk_config), "")))
    ])
    error_message = "afk_config looks as if it held a key, a password or a secret URL. User data can be read by everything on the VM: write $${NAME} in the file, and the value into /etc/afk/env on the VM."
  }

  validation {
    condition     = var.model == "" || strcontains(try(file(var.afk_config), ""), "ollama/${var.model}")
    error_message = "afk_config does not name ollama/MODEL with the model that the sidecar would serve. Change its chain, or set model (empty: no sidecar)."
  }
}

variable "start_without" {
  type        = string
  default     = ""
  description = "What the timer is started without: \"alerts\" (nobody hears of what goes wrong), \"drills\" (no safety was fired), \"alerts,drills\", or empty: it starts only after an alert has got out and the drills have passed; with the channel's secret still missing that is `sudo afk start` on the VM."

  validation {
    condition     = contains(["", "alerts", "drills", "alerts,drills"], var.start_without)
    error_message = "start_without must be empty, \"alerts\", \"drills\" or \"alerts,drills\"."
  }
}

variable "reboot_time" {
  type        = string
  default     = "04:30"
  description = "When the VM may restart after an upgrade that needs it, as HH:MM in UTC."

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.reboot_time))
    error_message = "reboot_time must be HH:MM, from 00:00 to 23:59."
  }
}
